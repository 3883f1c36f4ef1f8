"""[E5] The receptive field of a module that no graph was made of yet: its operations are watched as they run.

Tensors without numbers (torch's device `meta`) will do, so a hundred million weights cost nothing. How one operation
moves the window is told once, in `pellucid.inspect.receptive_fields`; here is which of torch's operations is which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from pellucid.graph import Node
from pellucid.inspect.receptive_fields import Step, largest_field, reads

Kernel = tuple[int, int] | None
Told = tuple[str, dict[str, Any], Kernel]
ATEN = torch.ops.aten


class FieldWatch(TorchDispatchMode):
    """While it is entered, it notes what reads what, from `picture` on.

    Layers that see the whole picture, dense ones and global poolings, end the notes: the last map is what they read.
    """

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self._places = WeakTensorKeyDictionary()
        self._places[picture] = -1
        self._steps: list[Step] = []

    @property
    def size(self) -> tuple[int, int] | None:
        """The (h, w) of input pixels behind one number of the last map; None where the first layer sees everything."""
        return (largest_field(self._steps, 0), largest_field(self._steps, 1)) if self._steps else None

    def __torch_dispatch__(
        self, call: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = call(*args, **(kwargs or {}))
        inputs = [self._places[t] for t in _tensors((args, kwargs)) if t in self._places]
        maps = [tensor for tensor in _tensors(result) if tensor.ndim >= 4]  # (n, c, h, w), and groups of such
        if inputs and maps and call.overloadpacket not in WHOLE:
            self._note(call.overloadpacket, args, inputs, maps)
        return result

    def _note(self, packet: Any, args: tuple[Any, ...], inputs: list[int], made: list[Tensor]) -> None:
        operation, attributes, kernel = TOLD[packet](*args) if packet in TOLD else ("affine", {}, None)
        node = Node("watched", operation, attributes=attributes)
        self._steps.append(Step(tuple(inputs), (reads(node, 0, kernel), reads(node, 1, kernel))))
        for tensor in made:
            self._places[tensor] = len(self._steps) - 1


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, transposed: bool, *_: Any
) -> Told:
    attributes = {"stride": tuple(stride), "padding": tuple(padding), "dilation": tuple(dilation)}
    kernel = (weight.shape[2], weight.shape[3])
    return "conv_transpose" if transposed else "conv", attributes, kernel


def _pooling(operation: str) -> Callable[..., Told]:
    def told(x: Tensor, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, *_: Any) -> Told:
        names = ("kernel", "stride", "padding", "dilation")
        values = (kernel, stride or kernel, padding, dilation if operation == "max_pool" else 1)
        return operation, {n: _pair(v) for n, v in zip(names, values, strict=True)}, None

    return told


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values[0], values[-1]


def _padding(x: Tensor, amounts: Sequence[int], *_: Any) -> Told:
    left, _right, top, *_bottom = amounts
    return "pad", {"amounts": (top, left)}, None


def _slice(x: Tensor, axis: int = 0, start: int | None = None, *_: Any) -> Told:
    return "crop", {"amounts": ((start or 0) * (axis == 2), (start or 0) * (axis == 3))}, None


def _shuffled(operation: str) -> Callable[..., Told]:
    return lambda x, factor: (operation, {"factor": factor}, None)


def _unpooling(x: Tensor, positions: Tensor, size: Sequence[int], *_: Any) -> Told:
    return "max_unpool", {"kernel": (size[0] // x.shape[2], size[1] // x.shape[3])}, None


def _resized(mode: str) -> Callable[..., Told]:
    def told(x: Tensor, size: Sequence[int], *_: Any) -> Told:
        return "resize", {"mode": mode, "scale": (size[0] / x.shape[2], size[1] / x.shape[3])}, None

    return told


TOLD: dict[Any, Callable[..., Told]] = {
    ATEN.convolution: _convolution,
    ATEN.max_pool2d_with_indices: _pooling("max_pool"),
    ATEN.avg_pool2d: _pooling("mean_pool"),
    ATEN.max_unpool2d: _unpooling,
    ATEN.pixel_shuffle: _shuffled("pixel_shuffle"),
    ATEN.pixel_unshuffle: _shuffled("pixel_unshuffle"),
    ATEN.upsample_nearest2d: _resized("nearest"),
    ATEN.upsample_bilinear2d: _resized("bilinear"),
    ATEN.upsample_bicubic2d: _resized("bicubic"),
    ATEN.constant_pad_nd: _padding,
    ATEN.replication_pad2d: _padding,
    ATEN.reflection_pad2d: _padding,
    ATEN.slice: _slice,
}
"""What moves a window; every other operation on maps is taken to read the place that it writes."""

WHOLE = {ATEN.mean, ATEN._adaptive_avg_pool2d, ATEN.adaptive_max_pool2d, ATEN.native_group_norm, ATEN.native_layer_norm}
"""What sees the whole map."""
