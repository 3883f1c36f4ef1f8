"""From torch to the runtime: a module becomes a graph and a model file. The one crossing between the two layers.

    tracing      torch.export: the module as a list of ATen operations, sizes free in h and w
    building     operations become nodes: names, constants, refusals
    rules        which function translates which operation: one explicit table
    layers, arithmetic, arrangement   the translations
    pending      what torch makes on the way to one operation: comparisons, groups, windows
    folding      batch norm into convolutions, dead nodes dropped
    checking     the runtime compared with torch, and which multiple sizes must have
    conditions   what the module decides by the picture's size
    export       the whole way, for a module; run, for a training run with its card

It refuses what the engine lacks, by the operation's name and the source line. It never approximates.
"""

from pellucid.learn.to_runtime.export import export, to_graph
from pellucid.learn.to_runtime.run import export_run, read_card

__all__ = ["export", "export_run", "read_card", "to_graph"]
