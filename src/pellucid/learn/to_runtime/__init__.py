"""From torch to the runtime: a module becomes a graph and a model file. The one crossing between the two layers.

    tracing      torch.export: the module as a list of ATen operations, sizes free in h and w
    building     operations become nodes: names, constants, refusals
    rules        which function translates which operation: one explicit table
    layers, arithmetic, arrangement   the translations
    folding      batch norm into convolutions, dead nodes dropped
    checking     the runtime compared with torch, and which multiple sizes must have

It refuses what the engine lacks, by the operation's name and the source line. It never approximates.
"""

from pellucid.learn.to_runtime.export import export, to_graph

__all__ = ["export", "to_graph"]
