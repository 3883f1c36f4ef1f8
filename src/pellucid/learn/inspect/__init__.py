"""Seeing inside with gradients: what `pellucid.inspect` cannot know, because it has no torch.

    gradient_check      backpropagation against finite differences, with the worst place named
    small_inputs        the registered networks with inputs small enough for it
    gradient_flow       how large activations and gradients are through depth
    effective_field     which pixels of the receptive field count, and guided gradients back to them

It looks at modules and never trains them.
"""
