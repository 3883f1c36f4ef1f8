"""Pictures with class labels, from the files they are published in [D13]: MNIST and Fashion-MNIST (idx), CIFAR-10
(binary), and folders of pictures, one per class.

Everything is checked when it is opened: lengths, label ranges, counts. Paths come from the user; nothing is fetched.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.errors import DatabaseError

MNIST_CLASSES = tuple("0123456789")
FASHION_CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_IDX_PICTURES, _IDX_LABELS = 0x00000803, 0x00000801  # magic numbers: unsigned bytes in three dimensions, in one
_CIFAR_RECORD = 1 + 3 * 32 * 32


@dataclass(frozen=True)
class Labelled:
    """`pictures` (n, h, w, c) uint8 and `labels` (n,) int64, each label an index into `classes`."""

    pictures: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.pictures) != len(self.labels):
            raise DatabaseError(
                "pictures and labels differ in number", seen=f"{len(self.pictures)} and {len(self.labels)}"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            seen = f"labels {self.labels.min()} to {self.labels.max()}"
            raise DatabaseError("a label is out of range", seen=seen, expected=f"0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, places: np.ndarray) -> Labelled:
        """The pictures at some places."""
        return Labelled(self.pictures[places], self.labels[places], self.classes)

    def of_classes(self, kept: list[int]) -> Labelled:
        """The pictures of some classes, relabelled 0, 1, ... in the order given."""
        places = np.full(len(self.classes), -1)
        places[kept] = range(len(kept))
        chosen = places[self.labels] >= 0
        names = tuple(self.classes[i] for i in kept)
        return Labelled(self.pictures[chosen], places[self.labels[chosen]], names)


def read_mnist(folder: str | Path, *, train: bool, classes: tuple[str, ...] = MNIST_CLASSES) -> Labelled:
    """MNIST or, with its `classes`, Fashion-MNIST: the four idx files, gzipped or not."""
    part = "train" if train else "t10k"
    pictures = read_idx(_idx_file(Path(folder), part, "images", 3))
    labels = read_idx(_idx_file(Path(folder), part, "labels", 1))
    if pictures.ndim != 3 or labels.ndim != 1:
        raise DatabaseError(f"{folder}: pictures and labels are exchanged", expected="files as they are published")
    return Labelled(pictures[..., None], labels.astype(np.int64), classes)


def read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes, in one dimension or three."""
    data = _bytes(path)
    magic = int.from_bytes(data[:4], "big")
    if len(data) < 8 or magic not in (_IDX_PICTURES, _IDX_LABELS):
        raise DatabaseError(f"{path}: no idx file", seen=data[:4].hex(" ") or "nothing", expected="00 00 08 01 or 03")
    dimensions = magic & 0xFF
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(data, ">u4", dimensions, 4).astype(int)) if len(data) >= start else ()
    size = int(np.prod(shape, dtype=object)) if shape else -1
    if len(data) - start != size:
        raise DatabaseError(f"{path}: the file lies about its length", seen=f"{len(data)} bytes", expected=start + size)
    return np.frombuffer(data, np.uint8, size, start).reshape(shape)


def read_cifar10(folder: str | Path, *, train: bool) -> Labelled:
    """CIFAR-10's binary version: data_batch_1.bin to data_batch_5.bin and test_batch.bin."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if train else ["test_batch.bin"]
    records = []
    for name in names:
        data = _bytes(_found(Path(folder) / name, "CIFAR-10", "its binary version, cifar-10-binary"))
        if not data or len(data) % _CIFAR_RECORD:
            seen = f"{len(data)} bytes"
            raise DatabaseError(f"{name}: no CIFAR-10 batch", seen=seen, expected=f"a multiple of {_CIFAR_RECORD}")
        records.append(np.frombuffer(data, np.uint8).reshape(-1, _CIFAR_RECORD))
    all_ = np.concatenate(records)
    pictures = all_[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # planes -> (n, h, w, c)
    return Labelled(np.ascontiguousarray(pictures), all_[:, 0].astype(np.int64), CIFAR10_CLASSES)


def read_folders(folder: str | Path, size: tuple[int, int]) -> Labelled:
    """One folder per class, named for it; every picture is scaled to `size` (h, w) and made RGB."""
    from pellucid.picture import is_picture_name, read, to_float
    from pellucid.resample import imresize

    root = Path(folder)
    classes = tuple(sorted(p.name for p in root.iterdir() if p.is_dir())) if root.is_dir() else ()
    if len(classes) < 2:
        seen = f"{len(classes)} folders in {root}"
        raise DatabaseError("no classes found", seen=seen, expected="two folders or more, one per class")
    pictures, labels = [], []
    for label, name in enumerate(classes):
        files = sorted(p for p in (root / name).iterdir() if is_picture_name(p))
        if not files:
            raise DatabaseError("a class has no pictures", seen=root / name, hint="fill the folder or remove it")
        for file in files:
            pixels = imresize(to_float(read(file).pixels), size=size)
            rgb = np.repeat(pixels, 3 // pixels.shape[2], axis=2)
            pictures.append(np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8))
            labels.append(label)
    return Labelled(np.stack(pictures), np.array(labels, np.int64), classes)


def _idx_file(folder: Path, part: str, what: str, dimensions: int) -> Path:
    """Under the names in use: dots or dashes before `idx`, gzipped or not."""
    for dot in ("-", "."):
        for end in ("", ".gz"):
            path = folder / f"{part}-{what}{dot}idx{dimensions}-ubyte{end}"
            if path.exists():
                return path
    return _found(folder / f"{part}-{what}-idx{dimensions}-ubyte", "MNIST", "its four idx files")


def _found(path: Path, name: str, source: str) -> Path:
    if not path.exists():
        raise DatabaseError(f"{name} is not here", seen=path, hint=f"fetch {source} and name their folder")
    return path


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DatabaseError(f"{path}: cannot be read", seen=error) from None
