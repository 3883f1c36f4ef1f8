"""What the engine holds only as part of an operation: comparisons, groups of channels, windows around each pixel.

torch makes such values on the way to one that the engine has; the rule that reaches it makes one node of the way. Any
other rule refuses them, by `why`.

    x > 0, as a number            step
    (n, groups, k, h, w)          channel_max_pool, channel_mean_pool; a kernel of k taps for each pixel
    unfold(x), weighed, summed    apply_kernels
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pellucid.learn.to_runtime.building import Builder, Pending, Value
from pellucid.learn.to_runtime.rules import rule


@dataclass(frozen=True)
class Truth(Pending):
    """Where a comparison holds: `number` is 1 there, else 0."""

    number: Value
    why: ClassVar[str] = "it acts on a comparison that is no number yet"


@dataclass(frozen=True)
class Grouped(Pending):
    """A map seen as (n, groups, k, h, w): its channels in runs of k neighbours."""

    map: Value
    groups: int
    why: ClassVar[str] = "it acts on groups of channels"

    @property
    def shape(self) -> tuple[int, ...]:
        n, c, h, w = self.map.shape
        return (n, self.groups, c // self.groups, h, w)


@dataclass(frozen=True)
class Windows(Pending):
    """What F.unfold makes of a map, zeros around: as (n, c taps, h w), or seen as (n, c, taps, h, w)."""

    map: Value
    kernel: tuple[int, int]
    shape: tuple[int, ...]
    why: ClassVar[str] = "it acts on what unfold gives"


@dataclass(frozen=True)
class Weighed(Pending):
    """Windows times a kernel for each pixel, not yet summed."""

    windows: Windows
    kernels: Value
    why: ClassVar[str] = "it acts on windows times kernels"


def as_number(value: Any) -> Any:
    """A comparison as a map of 0 and 1; anything else as it is."""
    return value.number if isinstance(value, Truth) else value


@rule("aten.gt", "aten.lt", "aten.ge", "aten.le")
def compared(b: Builder, a: dict[str, Any]) -> Truth:
    """x > t is step(x - t), x < t is step(t - x); x >= t is 1 where not x < t."""
    value, than = b.value(a["self"]), a["other"]
    if not isinstance(than, (int, float)):
        b.refuse("it compares with a map", "a number")
    kind = b.place.operation.removeprefix("aten.").partition(".")[0]
    sign = 1.0 if kind in ("gt", "le") else -1.0
    if (sign, than) != (1, 0):
        line = {"scale": sign, "offset": -sign * than}
        value = b.emit("affine", [value], shape=value.shape, attributes=dict(line))
    step = b.emit("step", [value])
    return Truth(b.emit("affine", [step], attributes={"scale": -1.0, "offset": 1.0}) if kind in ("ge", "le") else step)


@rule("aten.im2col")
def unfold(b: Builder, a: dict[str, Any]) -> Windows:
    value, kernel = b.map(a["self"]), tuple(a["kernel_size"])
    centred = [k % 2 == 1 and p == k // 2 for k, p in zip(kernel, a["padding"], strict=True)]
    if not all(centred) or any(s != 1 for s in (*a["stride"], *a["dilation"])):
        b.refuse(
            f"kernel {list(kernel)}, padding {list(a['padding'])}, stride {list(a['stride'])}, "
            f"dilation {list(a['dilation'])}",
            "an odd kernel k, padding k // 2, stride 1, dilation 1",
        )
    return Windows(value, (kernel[0], kernel[1]), b.shape)


def regrouped(b: Builder, value: Value | Pending) -> Value | Pending | None:
    """A view to or from groups of channels, or of windows; None for any other."""
    shape = b.shape
    if isinstance(value, Windows):
        n, c, h, w = value.map.shape
        taps = value.kernel[0] * value.kernel[1]
        known = ((n, c, taps, h, w), (n, c * taps, h, w), (n, c * taps, h * w), (n, c, taps, h * w))
        return Windows(value.map, value.kernel, shape) if shape in known else None
    if isinstance(value, Grouped):
        return value.map if shape == value.map.shape else value if shape == value.shape else None
    if isinstance(value, Value) and value.axes == "nchw" and len(shape) == 5:
        n, c, h, w = value.shape
        if (shape[0], *shape[3:]) == (n, h, w) and shape[1] * shape[2] == c:
            return Grouped(value, shape[1])
    return None


def weighed(b: Builder, left: Any, right: Any) -> Weighed | None:
    """Windows times kernels, of which each pixel has one for all channels or one for each."""
    windows, kernels = (left, right) if isinstance(left, Windows) else (right, left)
    if not isinstance(windows, Windows):
        return None
    n, c, h, w = windows.map.shape
    taps = windows.kernel[0] * windows.kernel[1]
    each = (n, c, taps, h, w)
    if windows.shape == each and isinstance(kernels, Grouped) and kernels.shape in ((n, 1, *each[2:]), each):
        return Weighed(windows, kernels.map)
    if windows.shape == (n, taps, h, w) and isinstance(kernels, Value) and kernels.shape == windows.shape:
        return Weighed(windows, kernels)  # of one channel
    b.refuse(
        "it multiplies what unfold gives by something else",
        f"a kernel for each pixel: {each} times {(n, 1, *each[2:])} or {each}",
    )


def summed(b: Builder, value: Weighed, axes: list[int], keep: bool) -> Value:
    """The sum over the taps: the kernels applied."""
    whole = len(value.windows.shape) == 5
    if axes != ([2] if whole else [1]) or keep == whole:
        b.refuse(f"it sums over the axes {axes}", "the taps, with keepdim for a map of one channel")
    return b.emit("apply_kernels", [value.windows.map, value.kernels], attributes={"kernel": value.windows.kernel})
