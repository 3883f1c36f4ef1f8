"""[E4] DeepDream: a picture changed so that a layer answers more strongly to whatever it sees in it already.

Steps up the gradient of the layer's mean square (Mordvintsev et al., 2015), from a small copy of the picture to its
full size, so that patterns grow at all sizes; each size begins with the picture's own detail and what the smaller one
dreamt. Pictures are worked on in tiles whose grid is shifted at random at every step, so memory does not grow with the
picture and no seam stays. The same seed gives the same dream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.errors import UsageError
from pellucid.inspect.as_input import SIGMA
from pellucid.learn.inspect.as_module import AsModule, as_module
from pellucid.network import Network

SIZES, RATIO, STEPS, RATE = 4, 1.4, 10, 0.02
TILE, SMALLEST = 256, 32

Progress = Callable[[int, int, str], None]


def dream(
    net: Network,
    picture: np.ndarray,
    layer: str,
    unit: int | None = None,
    sizes: int = SIZES,
    steps: int = STEPS,
    rate: float = RATE,
    tile: int = TILE,
    seed: int = 0,
    progress: Progress | None = None,
) -> np.ndarray:
    """[E4] (h, w, 1 or 3) in 0..1 -> the same, dreamt by all units of a layer, or by one of them."""
    module, generator = as_module(net), torch.Generator().manual_seed(seed)
    wanted = as_colours(net, picture)
    scaled, changed, done = list(_sizes(wanted.shape[2:], sizes)), torch.zeros_like(wanted), 0
    for size in scaled:
        own = _resized(wanted, size)
        changed = _resized(changed, size)  # what the smaller size has dreamt
        for _ in range(steps):
            if progress:
                progress(done, steps * len(scaled), f"{size[1]} x {size[0]}")
            x = own + changed
            gradient = _gradient(module, x, layer, unit, tile, generator)
            changed = (x + rate * gradient).clamp(0, 1) - own
            done += 1
    return (wanted + changed)[0].permute(1, 2, 0).numpy()


def as_colours(net: Network, picture: np.ndarray) -> Tensor:
    """(h, w, 1 or 3) in 0..1 -> (1, c, h, w) of the network's colours; a noise level is added where it is run."""
    channels = net.graph.channels
    colours = channels - (channels in (2, 4))
    if colours not in (1, 3):
        raise UsageError("the network reads no picture", seen=f"{channels} channels", expected="1 to 4")
    x = np.asarray(picture, np.float32)
    if x.ndim != 3 or x.shape[2] not in (1, 3):
        raise UsageError("no picture has this shape", seen=x.shape, expected="(h, w, 1) or (h, w, 3)")
    if x.shape[2] != colours:
        x = np.repeat(x, 3, axis=2) if colours == 3 else x.mean(axis=2, keepdims=True)
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)[None]))


def with_told(x: Tensor, channels: int) -> Tensor:
    """With the noise level as the last channel, for networks that are told it."""
    return x if x.shape[1] == channels else torch.cat([x, torch.full_like(x[:, :1], SIGMA)], 1)


def _sizes(full: tuple[int, ...], count: int) -> Iterator[tuple[int, int]]:
    """From the smallest to the full one, each once."""
    seen = set()
    for i in reversed(range(count)):
        size = round(full[0] / RATIO**i), round(full[1] / RATIO**i)
        if size not in seen and (i == 0 or min(size) >= SMALLEST):
            seen.add(size)
            yield size


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[2:]) == size:
        return x
    return F.interpolate(x, size, mode="bicubic", antialias=True)


def _gradient(
    module: AsModule, x: Tensor, layer: str, unit: int | None, tile: int, generator: torch.Generator
) -> Tensor:
    """Of the layer's mean square, tile by tile on the picture rolled by a random step."""
    dy, dx = torch.randint(tile, (2,), generator=generator).tolist()
    rolled = x.roll((dy, dx), (2, 3))
    found = torch.zeros_like(x)
    h, w = x.shape[2:]
    for y0, y1 in _parts(h, tile):
        for x0, x1 in _parts(w, tile):
            part = rolled[:, :, y0:y1, x0:x1].clone().requires_grad_()
            (map_,) = module.maps(fitting(with_told(part, module.graph.channels), module.graph.multiple), [layer])
            if unit is not None and not 0 <= unit < map_.shape[1]:
                raise UsageError(f"layer {layer!r} has no such unit", seen=unit, expected=f"0 to {map_.shape[1] - 1}")
            answer = map_ if unit is None else map_[:, unit]
            (gradient,) = torch.autograd.grad(answer.square().mean(), part)
            size = gradient.square().mean().sqrt().clamp(min=1e-12)  # a quiet tile dreams as loudly as others
            found[:, :, y0:y1, x0:x1] = gradient / size
    return found.roll((-dy, -dx), (2, 3))


def _parts(n: int, tile: int) -> list[tuple[int, int]]:
    """Of about equal length, none longer than a tile."""
    count = -(-n // tile)
    cuts = [round(i * n / count) for i in range(count + 1)]
    return list(zip(cuts[:-1], cuts[1:], strict=True))


def fitting(x: Tensor, multiple: int) -> Tensor:
    """Edges repeated up to sizes that the network takes."""
    down, across = -x.shape[2] % multiple, -x.shape[3] % multiple
    return F.pad(x, (0, across, 0, down), "replicate") if down or across else x
