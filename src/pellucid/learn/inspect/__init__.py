"""Seeing inside with gradients: what `pellucid.inspect` cannot know, because it has no torch.

    gradient_check      backpropagation against finite differences, with the worst place named
    small_inputs        the registered networks with inputs small enough for it

It looks at modules and never trains them.
"""
