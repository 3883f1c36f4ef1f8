"""The face of the compiled module, for type checkers and readers; made in `engine/bindings/`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]
Halves = np.ndarray[Any, np.dtype[np.int16]]
Size = tuple[int, int, int]

BY_LAYERS: int

def operations() -> list[dict[str, Any]]: ...
def isas() -> list[str]: ...
def isa() -> str: ...
def set_isa(isa: str) -> None: ...
def hardware() -> dict[str, Any]: ...
def measure_peaks() -> dict[str, float]: ...
def training_empty(shape: Sequence[int]) -> Array: ...
def training_bytes() -> tuple[int, int]: ...
def training_forward(
    x: Array,
    weight: Array,
    bias: Array | None,
    geometry: Sequence[int],
    relu: bool,
    slope: Array | None,
    out: Array,
    threads: int,
) -> None: ...
def training_backward_activation(
    gradient: Array, map: Array, slope: Array | None, slope_gradient: Array | None, out: Array, threads: int
) -> None: ...
def training_backward_data(
    gradient: Array,
    weight: Array,
    geometry: Sequence[int],
    map: Array | None,
    slope: Array | None,
    slope_gradient: Array | None,
    out: Array,
    threads: int,
) -> None: ...
def training_channels_last(x: Array, out: Array, threads: int) -> None: ...
def training_loss(
    output: Array, target: Array, kind: str, epsilon: float, gradient: Array | None, threads: int
) -> float: ...
def training_loss_in_bf16(
    output: Halves, target: Array, kind: str, epsilon: float, gradient: Halves | None, threads: int
) -> float: ...
def training_tile_sizes(size: Size, channels: int) -> tuple[int, int]: ...
def training_to_tiles(dense: Halves, out: Halves, threads: int) -> None: ...
def training_floats_to_tiles(dense: Array, out: Halves, threads: int) -> None: ...
def training_from_tiles(maps: Halves, dense: Halves, threads: int) -> None: ...
def training_tile_forward(
    x: Halves,
    size: Size,
    weight: Array,
    bias: Array | None,
    relu: bool,
    slope: Array | None,
    mask: Halves | None,
    out: Halves,
    threads: int,
) -> None: ...
def training_tile_back_through(
    gradient: Halves,
    size: Size,
    channels: int,
    mask: Halves,
    slope: Array | None,
    shown: Halves | None,
    slope_gradient: Array | None,
    threads: int,
) -> None: ...
def training_tile_backward_data(
    gradient: Halves,
    size: Size,
    weight: Array,
    relu: bool,
    mask: Halves | None,
    slope: Array | None,
    shown: Halves | None,
    slope_gradient: Array | None,
    out: Halves,
    threads: int,
) -> None: ...
def training_tile_backward_weights(
    x: Halves, gradient: Halves, size: Size, weight_gradient: Array, bias_gradient: Array | None, threads: int
) -> None: ...
def training_adam_step(
    addresses: Sequence[Sequence[int]],
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    decay: float,
    gradient: float,
    toward: float,
    t: int,
    threads: int,
) -> None: ...
def training_length_of(addresses: Sequence[Sequence[int]], threads: int) -> float: ...
def training_backward_weights(
    x: Array,
    gradient: Array,
    geometry: Sequence[int],
    weight_gradient: Array,
    bias_gradient: Array | None,
    threads: int,
) -> None: ...

class Stream:
    def push(self, rows: Array) -> Array: ...
    def finish(self) -> Array: ...

class Network:
    def __init__(
        self,
        nodes: Sequence[tuple[str, str, list[int], dict[str, Any], dict[str, np.ndarray]]],
        channels: int,
        precision: str = "fp32",
    ) -> None: ...
    def output_shape(self, h: int, w: int) -> tuple[int, int, int]: ...
    def run(
        self,
        x: Array,
        threads: int = 0,
        memory: int = 0,
        keep: Sequence[int] = ...,
        strip: int = 0,
        block: int = 0,
    ) -> tuple[Array, list[Array]]: ...
    def plan(
        self, h: int, w: int, threads: int = 0, memory: int = 0, strip: int = 0, block: int = 0
    ) -> dict[str, Any]: ...
    def stream(
        self, width: int, height: int = 0, threads: int = 0, memory: int = 0, strip: int = 0, block: int = 0
    ) -> Stream: ...
