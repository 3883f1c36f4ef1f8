"""What becomes simpler before it is written: batch norm and scales go into the convolution before them, zero padding
into the one after them, and nodes that nobody reads are dropped. The numbers stay the same up to rounding.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from pellucid.graph import Graph, Node
from pellucid.learn.to_runtime.building import Builder, Draft, Value

LINEAR = ("conv", "conv_transpose", "linear")


def fold(builder: Builder, output: Value) -> tuple[Graph, dict[str, np.ndarray]]:
    """The finished graph and its weights."""
    drafts = _needed(builder.drafts, output.node)
    readers = Counter(name for draft in drafts.values() for name in draft.inputs)
    readers[output.node] += 1
    for draft in list(drafts.values()):
        before = drafts.get(draft.inputs[0])
        if before is None or readers[before.name] > 1:
            continue
        if draft.operation in ("batch_norm", "affine") and before.operation in LINEAR:
            _scale(before, *_line(draft, _channels(before)))
            readers[before.name] = readers[draft.name]
            output = _replaced(drafts, draft.name, before.name, output)
        elif draft.operation == before.operation == "affine":
            _join(before, draft)
            readers[before.name] = readers[draft.name]
            output = _replaced(drafts, draft.name, before.name, output)
        elif draft.operation == "conv" and _is_zero_pad(before):
            _widen(draft, before)
            del drafts[before.name]
    return _finished(builder, drafts, output)


def _needed(drafts: dict[str, Draft], output: str) -> dict[str, Draft]:
    needed = {output}
    for name in reversed(drafts):
        if name in needed:
            needed.update(drafts[name].inputs)
    return {name: draft for name, draft in drafts.items() if name in needed}


def _line(draft: Draft, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A batch norm or an affine as scale and offset per channel, in float64."""
    w = {role: array.astype(np.float64) for role, array in draft.weights.items()}
    ones, zeros = np.ones(channels), np.zeros(channels)
    if draft.operation == "affine":
        return (
            ones * w.get("scale", np.float64(draft.attributes.get("scale", 1.0))),  # type: ignore[arg-type]
            ones * w.get("offset", np.float64(draft.attributes.get("offset", 0.0))),  # type: ignore[arg-type]
        )
    scale = w.get("weight", ones) / np.sqrt(w["variance"] + float(draft.attributes["eps"]))  # type: ignore[arg-type]
    return scale, w.get("bias", zeros) - w["mean"] * scale


def _join(first: Draft, second: Draft) -> None:
    """s2 (s1 x + o1) + o2, numbers where both are numbers, else one per channel."""
    (s1, o1), (s2, o2) = _line(first, 1), _line(second, 1)
    first.attributes, first.weights = {}, {}
    for role, values in (("scale", s1 * s2), ("offset", o1 * s2 + o2)):
        if len(values) == 1:
            first.attributes[role] = float(values[0])
        else:
            first.weights[role] = values.astype(np.float32)


def _channels(draft: Draft) -> int:
    weight = draft.weights["weight"]
    if draft.operation != "conv_transpose":
        return weight.shape[0]  # (oc, ic / groups, kh, kw)
    return weight.shape[1] * int(draft.attributes["groups"])  # type: ignore[arg-type]  # (ic, oc / groups, kh, kw)


def _scale(draft: Draft, scale: np.ndarray, offset: np.ndarray) -> None:
    weight, bias = draft.weights["weight"].astype(np.float64), draft.weights.get("bias")
    if draft.operation == "conv_transpose":
        groups = int(draft.attributes["groups"])  # type: ignore[arg-type]
        grouped = weight.reshape(groups, -1, *weight.shape[1:])  # (g, ic / g, oc / g, kh, kw)
        weight = (grouped * scale.reshape(groups, 1, -1, 1, 1)).reshape(weight.shape)
    else:
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    draft.weights["weight"] = weight.astype(np.float32)
    draft.weights["bias"] = (offset if bias is None else bias * scale + offset).astype(np.float32)


def _replaced(drafts: dict[str, Draft], name: str, by: str, output: Value) -> Value:
    del drafts[name]
    for draft in drafts.values():
        draft.inputs = [by if source == name else source for source in draft.inputs]
    return Value(by, output.shape, output.axes) if output.node == name else output


def _is_zero_pad(draft: Draft) -> bool:
    amounts: Any = draft.attributes.get("amounts", (-1,))
    zero = draft.attributes.get("mode") == "zero" and draft.attributes.get("value") == 0
    return draft.operation == "pad" and zero and min(amounts) >= 0


def _widen(draft: Draft, before: Draft) -> None:
    own: Any = draft.attributes["padding"]
    more: Any = before.attributes["amounts"]
    draft.attributes["padding"] = tuple(int(a + b) for a, b in zip(own, more, strict=True))
    draft.inputs = list(before.inputs)


def _finished(builder: Builder, drafts: dict[str, Draft], output: Value) -> tuple[Graph, dict[str, np.ndarray]]:
    nodes: list[Node] = []
    weights: dict[str, np.ndarray] = {}
    owners: dict[str, Draft] = {}
    for draft in _needed(drafts, output.node).values():
        shared = owners.setdefault(draft.owner, draft) if draft.owner else draft
        if not _same_weights(shared, draft):
            shared = draft
        if shared is draft:
            weights.update({f"{draft.name}.{role}": array for role, array in draft.weights.items()})
        prefix = shared.name if shared is not draft and draft.weights else None
        nodes.append(Node(draft.name, draft.operation, tuple(draft.inputs), draft.attributes, prefix))
    return Graph(tuple(nodes), builder.channels, size=builder.size), weights


def _same_weights(a: Draft, b: Draft) -> bool:
    return a.weights.keys() == b.weights.keys() and all(np.array_equal(a.weights[k], b.weights[k]) for k in a.weights)
