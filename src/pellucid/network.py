"""A network ready to run: `pellucid.load(name or file)`, and what it returns.

Arrays are checked once, here, at the door; the engine does the work. `Network` runs float batches, streams of rows and
whole pictures. What a task does around its network (files by rows, ensembles, colour) is in `pellucid.tasks`.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from pellucid import models
from pellucid.errors import GraphError, ModelFileError, UsageError, unknown_name
from pellucid.fitting import Fitting
from pellucid.graph import INPUT
from pellucid.modelfile import ModelFile
from pellucid.modelfile import load as load_file
from pellucid.whole_numbers import engine_options, whole_number

if TYPE_CHECKING:
    from pellucid.picture import Picture

PRECISIONS = ("auto", "fp32", "bf16")
Precision = Literal["auto", "fp32", "bf16"] | str

ACCEPTED_LOSS_DB = 0.02
"""What bfloat16 may cost, by the model's card, for `auto` to choose it."""


@dataclass(frozen=True)
class Cost:
    """[C7] What one run needs, whoever computes it: a multiply-add counts once; bytes as float32."""

    multiply_adds: float
    parameters: int
    weight_bytes: int
    input_bytes: int
    output_bytes: int


def load(name_or_path: str | os.PathLike[str]) -> Network:
    """Opens a model that ships by its name, or a model file by its path."""
    path, name = locate(name_or_path)
    file = load_file(path)
    try:
        return Network(file, name)
    except GraphError as error:
        what = f"{path}: {error.what}"
        raise ModelFileError(what, seen=error.seen, expected=error.expected, hint=error.hint) from None


def locate(name_or_path: str | os.PathLike[str]) -> tuple[Path, str]:
    """The model file that a name or a path means, and the model's name."""
    if not isinstance(name_or_path, (str, os.PathLike)) or isinstance(os.fspath(name_or_path), bytes):
        seen = type(name_or_path).__name__
        raise UsageError("no model has such a name", seen=seen, expected="a model's name, or a path as text")
    text = os.fspath(name_or_path)
    if "\0" in text:
        raise UsageError("no model has such a name", seen=repr(text)[:40], expected="no character 0 in it")
    known = models.names()
    if text in known:
        return models.path_of(text), text
    if os.path.exists(text) or os.path.dirname(text) or text.endswith(models.SUFFIX):
        return Path(text), os.path.basename(text).removesuffix(models.SUFFIX)
    if not known:
        raise UsageError(f"unknown model {text!r}", expected="a model file: none ships with this package")
    raise unknown_name("model", text, known)


class Network:
    """A graph with its weights. `name` is for messages; `card` says what the model is for and how good it is."""

    def __init__(self, file: ModelFile, name: str = "network") -> None:
        if not isinstance(file, ModelFile):
            seen = type(file).__name__
            raise UsageError(
                "a network is made of a model file", seen=seen, hint="pellucid.load(name or path) opens one"
            )
        self.name, self.graph, self.card, self.weights = name, file.graph, file.card, file.weights
        self._nodes = _engine_nodes(file)
        self._engines: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._engine("fp32")  # refuses shapes and attributes that do not fit, now and not at the first run

    def __repr__(self) -> str:
        return f"<{self.name}: {self.card.task}, {len(self.graph.nodes)} operations, {self.parameters:,} parameters>"

    def of_multiple(self, multiple: int) -> Network:
        """The same network, its engines shared, for pictures that are enlarged to another multiple."""
        other = copy.copy(self)
        other.graph = replace(self.graph, multiple=multiple)
        return other

    @property
    def parameters(self) -> int:
        """Numbers in the weights."""
        return sum(array.size for array in self.weights.values())

    @property
    def layers(self) -> list[str]:
        """The names that `keep` takes, from input to output."""
        return [node.name for node in self.graph.nodes]

    @overload
    def run(
        self,
        x: np.ndarray,
        precision: Precision = ...,
        threads: int | None = ...,
        memory: int | None = ...,
        keep: None = ...,
    ) -> np.ndarray: ...

    @overload
    def run(
        self,
        x: np.ndarray,
        precision: Precision = ...,
        threads: int | None = ...,
        memory: int | None = ...,
        *,
        keep: Iterable[str],
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]: ...

    def run(
        self,
        x: np.ndarray,
        precision: Precision = "auto",
        threads: int | None = None,
        memory: int | None = None,
        keep: Iterable[str] | None = None,
    ) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
        """float32 (n, h, w, c) -> float32 (n, h', w', c'), and with `keep` the named layers' maps beside it.

        `memory` is a ceiling in bytes for what the engine needs beyond input and output. Maps of a network whose sizes
        must be multiples of some number are those of the enlarged picture.
        """
        x = self._checked(x)
        n, h, w, c = x.shape
        fitting = self._fitting(h, w)
        names = _layer_names(keep)
        options = engine_options(threads, memory)
        y, kept = self._engine(precision).run(fitting.enlarge(x), keep=self._indices(names), **options)
        y = fitting.crop(y)
        return y if keep is None else (y, dict(zip(names, kept, strict=True)))

    def stream(
        self,
        rows: Iterable[np.ndarray],
        height: int | None = None,
        precision: Precision = "auto",
        threads: int | None = None,
        memory: int | None = None,
    ) -> Iterator[np.ndarray]:
        """float32 rows (w, c) in, rows (w', c') out, in order, as soon as they are known."""
        if not isinstance(rows, Iterable):
            raise UsageError("a stream is made of rows", seen=type(rows).__name__, expected="arrays (w, c), one by one")
        iterator = iter(rows)
        first = next(iterator, None)
        if first is None:
            raise UsageError("the stream has no rows", expected="at least one row (w, c)")
        if not isinstance(first, np.ndarray) or first.ndim != 2:
            seen = np.shape(first) if isinstance(first, np.ndarray) else type(first).__name__
            raise UsageError("a stream is made of rows", seen=seen, expected=f"arrays (w, {self.graph.channels})")
        blocks = (np.asarray(row)[None] for row in _chain(first, iterator))
        for block in self.stream_blocks(blocks, len(first), height, precision, threads, memory):
            yield from block

    def stream_blocks(
        self,
        blocks: Iterable[np.ndarray],
        width: int,
        height: int | None = None,
        precision: Precision = "auto",
        threads: int | None = None,
        memory: int | None = None,
    ) -> Iterator[np.ndarray]:
        """The same in blocks of rows: (k, w, c) in, (k', w', c') out; blocks may differ in k."""
        if not isinstance(blocks, Iterable):
            expected = "arrays (k, w, c), one after the other"
            raise UsageError("a stream is made of blocks of rows", seen=type(blocks).__name__, expected=expected)
        if height is None and self.graph.size is not None:
            height = self.graph.size[0]
        fitting = self._fitting(height, width)
        options = engine_options(threads, memory)
        stream = self._engine(precision).stream(fitting.width, fitting.height or 0, **options)
        seen = 0

        def checked() -> Iterator[np.ndarray]:
            nonlocal seen
            for block in blocks:
                if np.ndim(block) != 3 or block.shape[1] != width:
                    expected = f"rows of {width} pixels, (k, {width}, {self.graph.channels})"
                    raise UsageError("rows of a stream differ", seen=np.shape(block), expected=expected)
                yield self._checked(block[None])[0]
                seen += len(block)
            if not seen or (height is not None and seen != height):
                raise UsageError(
                    "the stream ended early or late", seen=f"{seen} rows", expected=f"{height or 'some'} rows"
                )

        return fitting.cropped_rows(self._pushed(stream, fitting.enlarged_rows(checked())))

    def __call__(
        self,
        picture: np.ndarray | Picture | str | os.PathLike[str],
        precision: Precision = "auto",
        threads: int | None = None,
        memory: int | None = None,
    ) -> Any:
        """A picture in, a picture of the same kind out.

        Arrays (h, w) or (h, w, c) of uint8, uint16 or float32 give arrays of that type; a `Picture`, or a file's name,
        gives a `Picture` with profile, EXIF and alpha. Grey stays grey: a colour network sees three equal channels.
        """
        from pellucid.whole_picture import run_array, run_picture

        def run(x: np.ndarray) -> np.ndarray:
            return self.run(x, precision, threads, memory)

        self._refuse_without_noise_level()
        if isinstance(picture, np.ndarray):
            return run_array(run, self.graph.channels, picture)
        return run_picture(run, self.graph.channels, picture)

    def plan(
        self, h: int, w: int, precision: Precision = "auto", threads: int | None = None, memory: int | None = None
    ) -> dict[str, Any]:
        """How the engine would run a picture of this size: kernels, rows kept, bytes; refuses what cannot be."""
        fitting = self._fitting(whole_number("height", h), w)
        options = engine_options(threads, memory)
        return self._engine(precision).plan(fitting.height, fitting.width, **options)

    def output_shape(self, h: int, w: int) -> tuple[int, int, int]:
        """(h', w', c') of the output for a picture of this size."""
        fitting = self._fitting(whole_number("height", h), w)
        big = self._engine("fp32").output_shape(fitting.height, fitting.width)
        return fitting.cropped_height(big[0]), fitting.cropped_width(big[1]), big[2]

    def cost(self, h: int, w: int) -> Cost:
        """[C7] The sums for one picture of this size."""
        oh, ow, oc = self.output_shape(h, w)
        multiply_adds = sum(node["multiply_adds"] for node in self.plan(h, w, "fp32")["nodes"])
        in_bytes, out_bytes = 4 * h * w * self.graph.channels, 4 * oh * ow * oc
        return Cost(multiply_adds, self.parameters, 4 * self.parameters, in_bytes, out_bytes)

    def resolved_precision(self, precision: Precision = "auto") -> str:
        """fp32 or bf16; `auto` is bf16 where the processor multiplies tiles and the card shows no loss by it."""
        if not isinstance(precision, str):
            raise UsageError("no such precision", seen=repr(precision)[:40], expected="one of " + ", ".join(PRECISIONS))
        if precision not in PRECISIONS:
            raise unknown_name("precision", precision, PRECISIONS)
        if precision != "auto":
            return precision
        import pellucid._engine as _engine

        loss = self.card.bf16_loss_db
        return "bf16" if _engine.isa() == "amx" and loss is not None and loss <= ACCEPTED_LOSS_DB else "fp32"

    def precision_in_words(self, precision: Precision = "auto") -> str:
        """What a program prints beside its result."""
        return {"fp32": "float32", "bf16": "bfloat16"}[self.resolved_precision(precision)]

    def _engine(self, precision: Precision) -> Any:
        import pellucid._engine as _engine

        key = self.resolved_precision(precision)
        with self._lock:
            if key not in self._engines:
                self._engines[key] = _engine.Network(self._nodes, self.graph.channels, key)
            return self._engines[key]

    def _checked(self, x: np.ndarray) -> np.ndarray:
        channels = self.graph.channels
        if not isinstance(x, np.ndarray) or x.dtype != np.float32:
            seen = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
            raise UsageError("the network takes float32 arrays", seen=seen, hint="net(picture) takes 8 and 16 bits")
        if x.ndim != 4 or x.shape[3] != channels or 0 in x.shape:
            raise UsageError("the network takes batches", seen=f"shape {x.shape}", expected=f"(n, h, w, {channels})")
        with np.errstate(over="ignore", invalid="ignore"):
            total = x.sum()  # one pass in the common case; the sum alone may overflow
        if not np.isfinite(total) and (bad := int(np.count_nonzero(~np.isfinite(x)))):
            raise UsageError(
                "the input holds NaN or infinity", seen=f"{bad} of {x.size} numbers", expected="finite numbers"
            )
        return np.ascontiguousarray(x)

    def _fitting(self, h: int | None, w: int) -> Fitting:
        w = whole_number("width", w)
        h = None if h is None else whole_number("height", h)
        size = self.graph.size
        if size is not None and (w != size[1] or h not in (None, size[0])):
            expected = f"{size[0]} x {size[1]}, the size it was made for"
            raise UsageError(f"{self.name} takes one size only", seen=f"{h} x {w}", expected=expected)
        return Fitting(h, w, self.graph.multiple, self._ratio)

    def _refuse_without_noise_level(self) -> None:
        channels, (_, _, made) = self.graph.channels, self._any_output()
        if self.card.task == "denoise" and made == channels - 1:
            raise UsageError(
                f"{self.name} takes a map of the noise level beside the picture",
                seen="a picture alone",
                expected=f"net.run(x) with float32 (n, h, w, {channels}), whose last channel is the noise / 255",
                hint="pellucid denoise measures the noise and makes the map",
            )

    def _any_output(self) -> tuple[int, int, int]:
        return self.output_shape(*self.graph.size or (4 * self.graph.multiple,) * 2)

    def _ratio(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Output over input size as fractions ((oh, h), (ow, w)), for networks whose sizes are multiples."""
        side = 4 * self.graph.multiple
        oh, ow, _ = self._engine("fp32").output_shape(side, side)
        return (oh, side), (ow, side)

    def _pushed(self, stream: Any, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            if len(known := stream.push(block)):
                yield known
        if len(known := stream.finish()):
            yield known

    def _indices(self, keep: tuple[str, ...]) -> list[int]:
        places = {name: index for index, name in enumerate(self.layers)}
        for name in keep:
            if name not in places:
                raise unknown_name("layer", name, self.layers)
        return [places[name] for name in keep]


def _layer_names(keep: Iterable[str] | None) -> tuple[str, ...]:
    if keep is None:
        return ()
    listed = isinstance(keep, Iterable) and not isinstance(keep, (str, bytes))
    names = tuple(keep) if listed else ()
    if not listed or not all(isinstance(name, str) for name in names):
        raise UsageError("keep takes the names of layers", seen=repr(keep)[:60], expected="a list of texts")
    return names


def _chain(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest


def _engine_nodes(file: ModelFile) -> list[tuple[str, str, list[int], dict[str, Any], dict[str, np.ndarray]]]:
    """The graph as the flat list that the engine takes, with the weights of each node by role."""
    import pellucid._engine as _engine

    declared = {operation["name"]: operation for operation in _engine.operations()}
    places = {INPUT: -1}
    nodes: list[tuple[str, str, list[int], dict[str, Any], dict[str, np.ndarray]]] = []
    used: set[str] = set()
    for node in file.graph.nodes:
        if node.operation not in declared:
            near = unknown_name("operation", node.operation, list(declared))
            raise GraphError(f"layer {node.name!r} is an unknown operation", seen=node.operation, hint=near.hint)
        weights = {}
        for role in declared[node.operation]["weights"]:
            name = f"{node.weights_prefix}.{role.removesuffix('?')}"
            if name in file.weights:
                weights[role.removesuffix("?")] = file.weights[name]
                used.add(name)
        places[node.name] = len(nodes)
        inputs = [places[name] for name in node.inputs]
        nodes.append((node.name, node.operation, inputs, dict(node.attributes), weights))
    if superfluous := sorted(set(file.weights) - used):
        raise GraphError("no layer uses some weights", seen=", ".join(superfluous[:3]))
    return nodes
