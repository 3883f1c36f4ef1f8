"""The model file: safetensors whose one metadata key, `pellucid`, holds format version, graph and card as JSON.

The file is a function of weights, graph and card alone: keys sorted, no dates, no paths, so equal models give equal
bytes. It is checked before anything is allocated: sizes against the file, offsets against each other, weights for NaN.
Here a file is read and written; whether its operations exist and its weights fit them is asked of the engine by
`pellucid.network`. Nothing is ever unpickled, and torch is not needed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from pellucid.card import Card
from pellucid.errors import GraphError, ModelFileError, ResourceError
from pellucid.graph import Graph

FORMAT = 1
"""The newest format that this program writes and reads. Older ones stay readable, newer ones are refused."""

KEY = "pellucid"
MAX_HEADER = 100_000_000
"""As in the safetensors library: a header larger than this is a lie or an attack."""

DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}

Weights = Mapping[str, np.ndarray]
"""`<node's weights>.<role>` -> float32 array."""


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds; `weights` are float32 whatever their storage."""

    graph: Graph
    weights: dict[str, np.ndarray]
    card: Card


def save(
    path: str | os.PathLike[str], graph: Graph, weights: Weights, card: Card | None = None, *, half: bool = False
) -> None:
    """Writes a model file under a temporary name and renames it. `half` stores what float16 can hold as float16."""
    path = os.fspath(path)
    arrays = {name: _stored(array, half) for name, array in weights.items()}
    _check_weights(path, graph, arrays)
    content = _encode(graph, arrays, Card() if card is None else card)
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "wb") as file:
            for piece in content:
                file.write(piece)
        os.replace(temporary, path)
    except OSError as error:
        kind = ResourceError if error.errno == 28 else ModelFileError
        raise kind("the model file cannot be written", seen=f"{path}: {error.strerror}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def load(path: str | os.PathLike[str]) -> ModelFile:
    """Reads and checks a model file."""
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            header, start = _read_header(path, file)
            file.seek(0)
            content = file.read()
    except OSError as error:
        raise ModelFileError("the model file cannot be read", seen=f"{path}: {error.strerror}") from None
    graph, card = _decode_metadata(path, header.pop("__metadata__", None))
    _check_layout(path, header, len(content) - start)
    weights = _decode_weights(path, content)
    _check_weights(path, graph, weights)
    return ModelFile(graph, weights, card)


def _stored(array: np.ndarray, half: bool) -> np.ndarray:
    array = np.asarray(array, np.float32)
    fits = half and array.size and float(np.abs(array).max()) <= float(np.finfo(np.float16).max)
    return np.asarray(array, DTYPES["F16" if fits else "F32"], order="C")


def _encode(graph: Graph, arrays: Weights, card: Card) -> list[bytes]:
    """Length, header, data: four-byte numbers before two-byte ones, so that every array is aligned; then by name."""
    metadata = {"format": FORMAT, "graph": graph.to_json(), "card": card.to_json()}
    header: dict[str, Any] = {"__metadata__": {KEY: _json(metadata)}}
    end, pieces = 0, []
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        array = arrays[name]
        dtype = next(key for key, value in DTYPES.items() if value == array.dtype)
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
        pieces.append(array.tobytes())
    text = _json(header).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *pieces]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _read_header(path: str, file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header and where the data begin."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(9)
    if start[8:9] != b"{":
        raise _foreign(path, start)
    length = int.from_bytes(start[:8], "little")
    if length > MAX_HEADER:
        raise ModelFileError(
            f"{path} announces too large a header", seen=f"{length} bytes", expected=f"up to {MAX_HEADER}"
        )
    if length > size - 8:
        raise _truncated(path, size - 8, length)
    file.seek(8)
    header = _parse(path, file.read(length))
    if not isinstance(header, dict):
        raise ModelFileError(f"the header of {path} cannot be read", seen=type(header).__name__, expected="an object")
    return header, 8 + length


def _parse(path: str, text: str | bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            raise ValueError("a key stands twice")
        return value

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the header of {path} cannot be read", seen=error, expected="JSON") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _decode_metadata(path: str, metadata: Any) -> tuple[Graph, Card]:
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        hint = "make a model file with pellucid export"
        raise ModelFileError(f"{path} holds weights but no network", expected=f"a metadata key {KEY!r}", hint=hint)
    value = _parse(path, text)
    version = value.get("format") if isinstance(value, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError(f"{path} does not say its format", seen=repr(version), expected="a whole number")
    if version > FORMAT:
        hint = "install a newer pellucid"
        raise ModelFileError(
            f"{path} is newer than this program", seen=f"format {version}", expected=f"{FORMAT}", hint=hint
        )
    try:
        return Graph.from_json(value.get("graph")), Card.from_json(value.get("card", {}))
    except (GraphError, ModelFileError) as error:
        what = f"{path}: {error.what}"
        raise ModelFileError(what, seen=error.seen, expected=error.expected, hint=error.hint) from None


def _check_layout(path: str, header: dict[str, Any], size: int) -> None:
    """Every tensor has a known type and as many bytes as its shape says; together they cover the data exactly once."""
    spans: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            numbers = [*shape, begin, end]
        except (TypeError, KeyError, ValueError):
            raise ModelFileError(f"{path}: tensor {name!r} cannot be read", seen=repr(entry)[:80]) from None
        if dtype not in DTYPES:
            raise ModelFileError(f"{path}: tensor {name!r} has another type", seen=dtype, expected="F32 or F16")
        if not all(type(n) is int and 0 <= n < 2**48 for n in numbers) or 0 in shape:
            raise ModelFileError(f"{path}: tensor {name!r} has no such shape", seen=repr(numbers)[:80])
        if end - begin != math.prod(shape) * DTYPES[dtype].itemsize:
            raise ModelFileError(
                f"{path}: tensor {name!r} does not fill its bytes", seen=end - begin, expected=f"{dtype} {shape}"
            )
        spans.append((begin, end, name))
    reached = 0
    for begin, end, name in sorted(spans):
        if begin != reached:
            fault = "overlaps another" if begin < reached else "leaves a gap before it"
            raise ModelFileError(f"{path}: tensor {name!r} {fault}", seen=f"offset {begin}", expected=reached)
        reached = end
    if reached > size:
        raise _truncated(path, size, reached)
    if reached < size:
        raise ModelFileError(f"{path} goes on after its last tensor", seen=f"{size} bytes of data", expected=reached)


def _decode_weights(path: str, content: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as decode

    try:
        return {name: np.asarray(array, np.float32) for name, array in sorted(decode(content).items())}
    except SafetensorError as error:
        raise ModelFileError(f"{path} cannot be read", seen=error, expected="a safetensors file") from None


def _check_weights(path: str, graph: Graph, weights: Weights) -> None:
    """Every array belongs to a node and is finite."""
    owners = {node.weights_prefix: node.name for node in graph.nodes}
    for name, array in weights.items():
        owner = owners.get(name.rpartition(".")[0])
        if owner is None:
            raise ModelFileError(
                f"{path}: no layer has the weights {name!r}", expected="<layer>.<role>, as the graph says"
            )
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            what = f"{path}: weights of layer {owner!r} are not finite"
            raise ModelFileError(what, seen=f"{bad} of {array.size} NaN or infinite in {name}")


def _truncated(path: str, size: int, expected: int) -> ModelFileError:
    what = f"{path} is truncated"
    return ModelFileError(what, seen=f"{max(size, 0)} bytes", expected=f"{expected}", hint="copy or make it again")


def _foreign(path: str, start: bytes) -> ModelFileError:
    if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        hint = "make a model file from it with pellucid export"
        return ModelFileError(f"{path} is a pickle or a PyTorch checkpoint", expected="a model file", hint=hint)
    seen = f"first bytes {start[:8].hex(' ')}" if start else "an empty file"
    return ModelFileError(f"{path} is no model file", seen=seen, expected="a safetensors file")
