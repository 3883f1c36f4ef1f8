"""Seeing inside a network, as far as it needs no gradients: arrays and dataclasses in, arrays and dataclasses out.

    layer_costs         what each layer costs on a picture of a given size; layer_times: how long it takes here
    receptive_fields    how many input pixels a number can depend on
    freedom             chained kernels: coefficients against degrees of freedom
    learned_filters     filters sorted by likeness; gabor: a wave under a bell, fitted
    unit_activity       what each layer does on a picture, with a verdict in words
    shifts              equivariance, stability under small shifts and bending
    picture_statistics  how alike the pixels of pictures are
    precision_loss      what bfloat16 and pruning change
    landscapes          optimisers on hills of two dimensions
    as_input            a picture as what a network reads
    gradient_views      the words for what gradients show
    inspection          all views of one network within a budget
    comparison          two networks on the same pictures
    page                both as pages

It never trains, never changes a network, and knows no torch: views that need gradients are in `pellucid.learn.inspect`.
"""

from pellucid.inspect.freedom import Freedom, chained_freedom
from pellucid.inspect.layer_costs import LayerCost, cost
from pellucid.inspect.layer_times import LayerTimes, layer_times
from pellucid.inspect.learned_filters import Filters, filters
from pellucid.inspect.picture_statistics import Statistics, statistics_of
from pellucid.inspect.precision_loss import PrecisionLoss, PruningLoss, precisions, prunings
from pellucid.inspect.receptive_fields import ReceptiveField, receptive_field
from pellucid.inspect.shifts import Equivariance, equivariance
from pellucid.inspect.unit_activity import Activity, Finding, activations, verdict

__all__ = [
    "Activity",
    "Equivariance",
    "Filters",
    "Finding",
    "Freedom",
    "LayerCost",
    "LayerTimes",
    "PrecisionLoss",
    "PruningLoss",
    "ReceptiveField",
    "Statistics",
    "activations",
    "chained_freedom",
    "cost",
    "equivariance",
    "filters",
    "layer_times",
    "precisions",
    "prunings",
    "receptive_field",
    "statistics_of",
    "verdict",
]
