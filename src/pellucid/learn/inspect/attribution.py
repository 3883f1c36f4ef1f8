"""[E5] Local attribution: which input pixels made one number of the answer what it is.

Integrated gradients (Sundararajan et al., 2017) along a path from the picture out of focus to the picture itself, as
Gu and Dong (2021) ask it of super-resolution: what counts are details, so the path begins where there are none. The
weights add up to the difference between the two answers. It explains one answer to one picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.errors import UsageError
from pellucid.inspect.gradient_views import Attribution

Box = tuple[int, int, int, int]

STEPS, BLUR = 16, 4.0


def attribution(
    network: nn.Module,
    x: Tensor,
    place: tuple[int, int] | None = None,
    steps: int = STEPS,
    blur: float = BLUR,
    told: bool = False,
    part: Callable[[tuple[int, int]], Box] | None = None,
) -> Attribution:
    """[E5] Of the mean over channels of output (y, x), for a picture (1, c, h, w); where no place is named, of that
    with the strongest detail in the middle. `told`: the last channel is no picture and stays as it is.

    `part` says of an output's place which rows y0 to y1 and columns x0 to x1 of the input, without the last, hold all
    that it depends on: the rest is not computed again at every step of the path.
    """
    h, w = x.shape[2:]
    away = blurred(x, blur)
    if told:
        away[:, -1] = x[:, -1]
    with torch.no_grad():
        y = network(x)
    if y.ndim != 4 or y.shape[2] < h or y.shape[3] < w:
        raise UsageError("the answer is no picture as large as the input, so no pixel made it", seen=tuple(y.shape))
    scale = y.shape[2] // h, y.shape[3] // w
    if place is None:
        row, column = strongest_detail((x - away)[0])
        place = row * scale[0] + scale[0] // 2, column * scale[1] + scale[1] // 2
    if not (0 <= place[0] < y.shape[2] and 0 <= place[1] < y.shape[3]):
        raise UsageError("the answer has no such place", seen=place, expected=f"within {y.shape[2]} x {y.shape[3]}")
    y0, y1, x0, x1 = part(place) if part else (0, h, 0, w)
    start, end = away[:, :, y0:y1, x0:x1], x[:, :, y0:y1, x0:x1]
    row, column = place[0] - y0 * scale[0], place[1] - x0 * scale[1]
    total = torch.zeros_like(end)
    for step in range(steps):  # the middle of each step, which is exact to second order
        between = (start + (step + 0.5) / steps * (end - start)).requires_grad_()
        (gradient,) = torch.autograd.grad(network(between)[0, :, row, column].mean(), between)
        total += gradient
    weight = np.zeros((h, w))
    weight[y0:y1, x0:x1] = ((end - start) * total / steps).sum(1)[0].double().numpy()
    with torch.no_grad():
        without = float(network(start)[0, :, row, column].mean())
    answer, at = float(y[0, :, place[0], place[1]].mean()), (place[0] // scale[0], place[1] // scale[1])
    return Attribution(weight, place, at, answer, without, blur, evenness(np.abs(weight[y0:y1, x0:x1])))


def blurred(x: Tensor, deviation: float) -> Tensor:
    """Gaussian, edges mirrored as far as the picture goes. (n, c, h, w) -> the same"""
    for axis in (2, 3):
        r = min(int(3 * deviation), x.shape[axis] - 1)
        at = torch.arange(-r, r + 1, dtype=x.dtype)
        bell = torch.exp(-(at**2) / (2 * deviation**2))
        shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
        kernel = (bell / bell.sum()).reshape(shape).expand(x.shape[1], 1, *shape[2:])
        sides = (0, 0, r, r) if axis == 2 else (r, r, 0, 0)
        x = F.conv2d(F.pad(x, sides, "reflect"), kernel, groups=x.shape[1])
    return x


def strongest_detail(detail: Tensor) -> tuple[int, int]:
    """Where a picture (c, h, w) is strongest, in its middle half."""
    size = detail.square().sum(0)
    h, w = size.shape
    part = size[h // 4 : h - h // 4, w // 4 : w - w // 4]
    row, column = divmod(int(part.argmax()), part.shape[1])
    return h // 4 + row, w // 4 + column


def evenness(sizes: np.ndarray) -> float:
    """One minus Gini's coefficient: 1 where all are the same, near 0 where one has everything."""
    ordered = np.sort(sizes.reshape(-1).astype(np.float64))
    n, total = len(ordered), ordered.sum()
    if total == 0:
        return 1.0
    return float(2 * (np.cumsum(ordered) / total).sum() / n - 1 / n)
