"""[E5] The receptive field of every layer, from the graph alone: how many input pixels one number can depend on.

A layer's row i reads the input's rows `jump i + low` to `jump i + high`, all three exact fractions, because layers that
enlarge let neighbouring rows read different pixels. Where such a layer follows one that shrinks, that is a bound; the
size is exact, that of the row that sees most. Borders are left out: there fields are cut, or bent by mirrored edges.
Which of those pixels count is another question, answered by gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pellucid.errors import GraphError
from pellucid.graph import INPUT, Graph, Node

if TYPE_CHECKING:
    from pellucid.network import Network


Reads = tuple[Fraction, Fraction, Fraction]
"""(jump, low, high) of one operation along one axis."""


@dataclass(frozen=True)
class Window:
    """Along one axis: row i of a layer reads rows `jump i + low` to `jump i + high` of the input."""

    jump: Fraction
    low: Fraction
    high: Fraction

    @property
    def size(self) -> int:
        return math.floor(self.high - self.low) + 1

    def after(self, jump: Fraction, low: Fraction, high: Fraction) -> Window:
        """The window of a layer whose row i reads rows `jump i + low` to `jump i + high` of this one."""
        return Window(self.jump * jump, self.low + self.jump * low, self.high + self.jump * high)


@dataclass(frozen=True)
class Step:
    """Of one layer: the places of the earlier steps that it reads, -1 for the picture, and how, (y, x)."""

    inputs: tuple[int, ...]
    reads: tuple[Reads, Reads]


def largest_field(steps: Sequence[Step], axis: int) -> int:
    """How many rows (axis 0) or columns of the picture that row of the last step reads which reads most."""
    jumps = {-1: Fraction(1)}
    for place, step in enumerate(steps):
        jumps[place] = jumps[step.inputs[0]] * step.reads[axis][0]
    last = len(steps) - 1
    period = math.lcm(*((jumps[last] / jump).denominator for jump in jumps.values()))  # after so many, all repeats
    return max(_extent(steps, axis, row) for row in range(period))


def _extent(steps: Sequence[Step], axis: int, row: int) -> int:
    """How far apart the first and last row of the picture are that one row of the last step reads."""
    needed = {len(steps) - 1: (row, row)}
    for place in range(len(steps) - 1, -1, -1):
        if place not in needed:
            continue
        (jump, low, high), (first, last) = steps[place].reads[axis], needed[place]
        top, bottom = math.ceil(jump * first + low), math.floor(jump * last + high)
        for source in steps[place].inputs:
            before = needed.get(source, (top, bottom))
            needed[source] = min(top, before[0]), max(bottom, before[1])
    top, bottom = needed[-1]
    return bottom - top + 1


@dataclass(frozen=True)
class ReceptiveField:
    """Of one layer. `size` is (h, w) in input pixels, None where a number depends on the whole picture."""

    layer: str
    y: Window
    x: Window
    size: tuple[int, int] | None

    @property
    def whole(self) -> bool:
        return self.size is None

    def box(self, y: int, x: int) -> tuple[int, int, int, int] | None:
        """The input pixels that number (y, x) of the layer can read: rows y0 to y1, columns x0 to x1, inclusive."""
        if self.whole:
            return None
        (y0, y1), (x0, x1) = (
            (math.ceil(w.jump * i + w.low), math.floor(w.jump * i + w.high)) for w, i in ((self.y, y), (self.x, x))
        )
        return y0, y1, x0, x1


ARITHMETIC = {
    "linear",
    "add",
    "subtract",
    "multiply",
    "affine",
    "batch_norm",
    "local_response_norm",
    "layer_norm",
    "exp",
}
RECTIFIERS = {"relu", "leaky_relu", "prelu", "selu", "gelu", "hardswish", "softplus", "silu", "clip"}
SQUASHERS = {"sigmoid", "tanh", "sine", "softsign", "step", "softmax"}
CHANNELS = {"concat", "slice_channels", "channel_max_pool", "channel_mean_pool"}
POINTWISE = frozenset(ARITHMETIC | RECTIFIERS | SQUASHERS | CHANNELS)
GLOBAL_POOLS = {"adaptive_mean_pool", "adaptive_max_pool", "global_mean_pool", "global_max_pool"}
WHOLE = frozenset(GLOBAL_POOLS | {"flatten", "instance_norm", "group_norm"})


def receptive_field(net: Network | Graph) -> list[ReceptiveField]:
    """[E5] Every layer's theoretical receptive field, from input to output."""
    graph = net if isinstance(net, Graph) else net.graph
    kernels = {} if isinstance(net, Graph) else _kernel_sizes(net)
    start = Window(Fraction(1), Fraction(0), Fraction(0))
    fields = {INPUT: ReceptiveField(INPUT, start, start, (1, 1))}
    places, steps = {INPUT: -1}, list[Step]()
    for node in graph.nodes:
        inputs = [fields[name] for name in node.inputs]
        if any(field.whole for field in inputs) or node.operation in WHOLE or _reads_all(node):
            fields[node.name] = ReceptiveField(node.name, inputs[0].y, inputs[0].x, None)
            continue
        rules = tuple(reads(node, axis, kernels.get(node.name)) for axis in (0, 1))
        steps.append(Step(tuple(places[name] for name in node.inputs), (rules[0], rules[1])))
        places[node.name] = len(steps) - 1
        y, x = (_joined([(f.y, f.x)[axis] for f in inputs]).after(*rules[axis]) for axis in (0, 1))
        fields[node.name] = ReceptiveField(node.name, y, x, _size(y, x, steps))
    return [fields[node.name] for node in graph.nodes]


def _joined(windows: list[Window]) -> Window:
    """The window of what reads several layers at the same place."""
    return Window(windows[0].jump, min(w.low for w in windows), max(w.high for w in windows))


def _size(y: Window, x: Window, steps: Sequence[Step]) -> tuple[int, int]:
    """Among whole numbers the last step's windows are exact; behind a fraction rows differ, and are followed back."""
    if all(part.denominator == 1 for step in steps for axis in step.reads for part in axis):
        return y.size, x.size
    return largest_field(steps, 0), largest_field(steps, 1)


def _kernel_sizes(net: Network) -> dict[str, tuple[int, int]]:
    """The (kh, kw) of the nodes whose windows are given by their weights."""
    found = {}
    for node in net.graph.nodes:
        weight = net.weights.get(f"{node.weights_prefix}.weight")
        if weight is not None and weight.ndim == 4:
            found[node.name] = (weight.shape[2], weight.shape[3])
    return found


def _reads_all(node: Node) -> bool:
    """Whether attributes make an operation, which else is local, depend on the size of the map."""
    of_map = node.operation == "layer_norm" and node.attributes.get("over", "channels") != "channels"
    corners = bool(node.attributes.get("align_corners", False)) or bool(_pair(node, "size", 0)[0])
    return of_map or (node.operation == "resize" and corners)


def reads(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    """What row i of a node reads of its inputs: rows `jump i + low` to `jump i + high`."""
    if node.operation in POINTWISE:
        return Fraction(1), Fraction(0), Fraction(0)
    if node.operation not in RULES:
        raise GraphError(f"the receptive field of layer {node.name!r} is not known", seen=node.operation)
    return RULES[node.operation](node, axis, kernel)


def _window(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    taps = (_pair(node, "kernel", 1) if kernel is None else kernel)[axis]
    padding, dilation = _sides(node, "padding")[axis], _pair(node, "dilation", 1)[axis]
    stride = _pair(node, "stride", 1)[axis] or taps
    return Fraction(stride), Fraction(-padding), Fraction(dilation * (taps - 1) - padding)


def _pool(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    """As a convolution, but a stride that is not said is the kernel's size."""
    stride = _pair(node, "stride", 0)[axis] or _pair(node, "kernel", 1)[axis]
    _, low, high = _window(node, axis, None)
    return Fraction(stride), low, high


def _unpool(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    stride = _pair(node, "stride", 0)[axis] or _pair(node, "kernel", 1)[axis]
    return Fraction(1, stride), Fraction(1 - stride, stride), Fraction(0)


def _transposed(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    """Row o of the output meets row i of the input through tap k where o = stride i - padding + dilation k."""
    taps = (_pair(node, "kernel", 1) if kernel is None else kernel)[axis]
    stride, dilation = _pair(node, "stride", 1)[axis], _pair(node, "dilation", 1)[axis]
    padding = _sides(node, "padding")[axis]
    return Fraction(1, stride), Fraction(padding - dilation * (taps - 1), stride), Fraction(padding, stride)


def _shuffle(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    factor = _pair(node, "factor", 1)[0]
    return Fraction(1, factor), Fraction(1 - factor, factor), Fraction(0)


def _unshuffle(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    factor = _pair(node, "factor", 1)[0]
    return Fraction(factor), Fraction(0), Fraction(factor - 1)


def _shifted(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    """Padding moves the map; cropping moves it back."""
    amount = Fraction(_sides(node, "amounts")[axis] * (-1 if node.operation == "pad" else 1))
    return Fraction(1), amount, amount


def _resized(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    """Interpolation reads fewer than `reach` pixels to each side of the centre that torch's convention gives."""
    scale = node.attributes.get("scale", 1.0)
    one = scale[axis % len(scale)] if isinstance(scale, tuple) else scale
    jump = 1 / Fraction(float(one)).limit_denominator(1024)
    nearest_fraction = Fraction(1, 2 * jump.denominator)  # how near a position can come to a pixel without being on it
    if node.attributes.get("mode", "nearest") == "nearest":
        return jump, Fraction(1, jump.denominator) - 1, Fraction(0)
    reach = {"bilinear": 1, "bicubic": 2}[str(node.attributes["mode"])] - nearest_fraction
    centre = (jump - 1) / 2
    return jump, centre - reach, centre + reach


def _own_kernels(node: Node, axis: int, kernel: tuple[int, int] | None) -> Reads:
    taps = _pair(node, "kernel", 1)[axis]
    return Fraction(1), Fraction(-(taps // 2)), Fraction(taps - 1 - taps // 2)


Rule = Callable[[Node, int, tuple[int, int] | None], Reads]
RULES: dict[str, Rule] = {
    "conv": _window,
    "conv_transpose": _transposed,
    "max_pool": _pool,
    "mean_pool": _pool,
    "max_pool_positions": _pool,
    "max_unpool": _unpool,
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _unshuffle,
    "pad": _shifted,
    "crop": _shifted,
    "resize": _resized,
    "apply_kernels": _own_kernels,
}


def _pair(node: Node, key: str, default: int) -> tuple[int, int]:
    value: Any = node.attributes.get(key, default)
    values = value if isinstance(value, tuple) else (value,)
    return int(values[0]), int(values[-1])


def _sides(node: Node, key: str) -> tuple[int, int]:
    """(top, left) of an attribute that is one number, (y, x), or (top, left, bottom, right)."""
    value: Any = node.attributes.get(key, 0)
    values = value if isinstance(value, tuple) else (value,)
    return (int(values[0]), int(values[1])) if len(values) > 1 else (int(values[0]), int(values[0]))
