"""The model file: equal models give equal bytes, and every way of being damaged is one line that names it."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.card import Card, Figure
from pellucid.errors import ModelFileError
from pellucid.graph import INPUT, Graph, Node
from pellucid.modelfile import FORMAT, KEY, load, save

GRAPH = Graph((Node("a", "conv", (INPUT,), {"padding": (1, 1, 1, 1)}), Node("b", "prelu", ("a",))), channels=3)
CARD = Card(
    task="superres",
    purpose="photographs, größer",
    scale=3,
    data="drawn",
    figures=(Figure("Set5", "Y, border 3", {"psnr": 33.5}),),
    bf16_loss_db=0.01,
)


def weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    shapes = {"a.weight": (4, 3, 3, 3), "a.bias": (4,), "b.weight": (1,)}
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save(tmp_path / "m.safetensors", GRAPH, weights(), CARD)
    return tmp_path / "m.safetensors"


def test_what_was_saved_is_loaded(path: Path) -> None:
    file = load(path)
    assert file.graph == GRAPH and file.card == CARD
    assert file.weights.keys() == weights().keys()
    for name, array in weights().items():
        assert file.weights[name].dtype == np.float32
        np.testing.assert_array_equal(file.weights[name], array)


def test_equal_models_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    reordered = dict(reversed(weights().items()))
    save(tmp_path / "other name.safetensors", GRAPH, reordered, Card(**vars(CARD)))
    assert path.read_bytes() == (tmp_path / "other name.safetensors").read_bytes()


def test_no_length_of_the_header_looks_foreign(tmp_path: Path) -> None:
    for length in range(0, 2048, 8):  # the first bytes of the file, among them those of a pickle
        save(tmp_path / "m", GRAPH, weights(), Card(purpose="x" * length))
        assert load(tmp_path / "m").card.purpose == "x" * length


def test_other_tools_read_the_weights_and_one_metadata_key(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        assert list(file.metadata()) == [KEY]
        np.testing.assert_array_equal(file.get_tensor("a.bias"), weights()["a.bias"])


def test_half_rounds_to_float16_and_keeps_what_it_cannot_hold(tmp_path: Path) -> None:
    large = weights() | {"a.bias": np.array([1e6, 0, 0, 0], np.float32)}
    save(tmp_path / "h", GRAPH, large, CARD, half=True)
    loaded = load(tmp_path / "h").weights
    np.testing.assert_array_equal(loaded["a.weight"], large["a.weight"].astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(loaded["a.bias"], large["a.bias"])
    save(tmp_path / "f", GRAPH, large, CARD)
    assert (tmp_path / "h").stat().st_size < (tmp_path / "f").stat().st_size


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        header, data = header_of(content)
        change(header)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data

    return changed


def with_metadata(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def changed(header: dict[str, Any]) -> None:
        value = json.loads(header["__metadata__"][KEY])
        change(value)
        header["__metadata__"][KEY] = json.dumps(value)

    return with_header(changed)


def moved(name: str, by: int) -> Callable[[bytes], bytes]:
    return with_header(lambda h: h[name].update(data_offsets=[at + by for at in h[name]["data_offsets"]]))


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda c: b"", "no model file; seen: an empty file"),
    "eight bytes": (lambda c: c[:8], "no model file"),
    "in the header": (lambda c: c[:60], "is truncated"),
    "in the data": (lambda c: c[:-1], "is truncated"),
    "too long": (lambda c: c + b"\0", "goes on after its last tensor"),
    "2 GB header": (lambda c: (2 << 30).to_bytes(8, "little") + c[8:], "too large a header; seen: 2147483648 bytes"),
    "a picture": (lambda c: b"\x89PNG\r\n\x1a\n" + bytes(100), "no model file"),
    "a pickle": (lambda c: pickle.dumps({"state_dict": 1}), "pickle"),
    "not JSON": (lambda c: c[:8] + b"{" + b"x" * (len(c) - 9), "header of .* cannot be read"),
    "nested": (lambda c: (10**5).to_bytes(8, "little") + b'{"a":' * 20000 + c[8:], "header of .* cannot be read"),
    "twice": (lambda c: _twice(c), "a key stands twice"),
    "overlap": (moved("b.weight", -4), "'b.weight' overlaps another"),
    "gap": (moved("a.weight", 4), "leaves a gap before it|overlaps"),
    "negative": (moved("a.bias", -8), "no such shape"),
    "other shape": (with_header(lambda h: h["a.bias"].update(shape=[5])), "'a.bias' does not fill its bytes"),
    "huge shape": (with_header(lambda h: h["a.bias"].update(shape=[2**60, 2**60])), "no such shape"),
    "other type": (with_header(lambda h: h["a.bias"].update(dtype="I64")), "another type; seen: I64"),
    "no offsets": (with_header(lambda h: h["a.bias"].pop("data_offsets")), "tensor 'a.bias' cannot be read"),
    "weights alone": (with_header(lambda h: h.pop("__metadata__")), "holds weights but no network"),
    "newer": (
        with_metadata(lambda v: v.update(format=FORMAT + 1)),
        f"newer than this program; seen: format {FORMAT + 1}",
    ),
    "no format": (with_metadata(lambda v: v.pop("format")), "does not say its format"),
    "no graph": (with_metadata(lambda v: v.pop("graph")), "graph cannot be read"),
    "NaN attribute": (with_metadata(lambda v: v["graph"]["nodes"][0].update(attributes={"x": float("nan")})), "NaN"),
    "unknown card key": (with_metadata(lambda v: v["card"].update(scales=3)), "card cannot be read; seen: .'scales'."),
    "wrong card": (with_metadata(lambda v: v["card"].update(scale="three")), "card's scale is wrong"),
    "superfluous": (
        with_header(lambda h: h.update({"z.weight": h.pop("b.weight")})),
        "no layer has the weights 'z.weight'",
    ),
}


def _twice(content: bytes) -> bytes:
    header, data = header_of(content)
    text = json.dumps(header).encode()[:-1] + b', "a.bias": 1}'
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_one_line(kind: str, path: Path) -> None:
    damage, message = DAMAGE[kind]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelFileError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_name_tensor_and_layer(bad: float, tmp_path: Path) -> None:
    broken = weights()
    broken["a.weight"][1, 2, 0, 0] = bad
    with pytest.raises(ModelFileError, match=r"layer 'a' are not finite; seen: 1 of 108 NaN or infinite in a\.weight"):
        save(tmp_path / "m", GRAPH, broken, CARD)
    assert not list(tmp_path.iterdir())
    save(tmp_path / "m", GRAPH, weights(), CARD)
    content = (tmp_path / "m").read_bytes()
    header, data = header_of(content)
    begin = header["a.weight"]["data_offsets"][0]
    data = data[:begin] + np.float32(bad).tobytes() + data[begin + 4 :]
    (tmp_path / "m").write_bytes(content[: len(content) - len(data)] + data)
    with pytest.raises(ModelFileError, match="layer 'a' are not finite"):
        load(tmp_path / "m")


def test_checkpoints_folders_and_missing_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "c.pt", "w") as archive:
        archive.writestr("data.pkl", b"")
    for name, message in (("c.pt", "PyTorch checkpoint"), ("none", "cannot be read"), (".", "cannot be read")):
        with pytest.raises(ModelFileError, match=message):
            load(tmp_path / name)


def test_a_failed_save_leaves_what_was_there(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ModelFileError, match="no layer has the weights 'q'"):
        save(path, GRAPH, weights() | {"q": np.ones(3, np.float32)}, CARD)
    with pytest.raises(ModelFileError, match="cannot be written"):
        save(tmp_path / "no folder" / "m", GRAPH, weights(), CARD)
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "wrong",
    [{"task": ""}, {"task": 3}, {"scale": 0}, {"scale": 1.5}, {"bf16_loss_db": float("nan")}, {"figures": [1]}]
    + [{"figures": (Figure("Set5", "Y", {"psnr": float("inf")}),)}],
)
def test_cards_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError, match=f"card's {next(iter(wrong))} is wrong"):
        Card(**wrong)
