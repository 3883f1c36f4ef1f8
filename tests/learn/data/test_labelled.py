"""Readers of labelled pictures: what they give, and what they refuse with one line."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import DatabaseError
from pellucid.learn.data.labelled import FASHION_CLASSES, Labelled, read_cifar10, read_folders, read_mnist

MNIST = Path("../shared/data/mnist")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x800 | array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, n: int = 5, pack=bytes, end: str = "") -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (n, 28, 28), np.uint8)
    labels = np.arange(n, dtype=np.uint8) % 10
    (folder / f"train-images-idx3-ubyte{end}").write_bytes(pack(idx(pictures)))
    (folder / f"train-labels-idx1-ubyte{end}").write_bytes(pack(idx(labels)))
    return pictures, labels


@pytest.mark.parametrize(("pack", "end"), [(bytes, ""), (gzip.compress, ".gz")])
def test_idx_files(tmp_path, pack, end):
    pictures, labels = write_mnist(tmp_path, pack=pack, end=end)
    read = read_mnist(tmp_path, train=True, classes=FASHION_CLASSES)
    assert np.array_equal(read.pictures[..., 0], pictures) and np.array_equal(read.labels, labels)
    assert read.classes[9] == "ankle boot"


def test_idx_files_that_lie(tmp_path):
    with pytest.raises(DatabaseError, match="MNIST is not here.*fetch its four idx files"):
        read_mnist(tmp_path, train=True)
    write_mnist(tmp_path)
    images, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    whole = images.read_bytes()
    for damaged in (whole[:-1], whole + b"x", whole[:10], struct.pack(">4I", 0x803, 2**31, 2**31, 2**31)):
        images.write_bytes(damaged)
        with pytest.raises(DatabaseError, match="lies about its length"):
            read_mnist(tmp_path, train=True)
    images.write_bytes(b"GIF89a..")
    with pytest.raises(DatabaseError, match="no idx file"):
        read_mnist(tmp_path, train=True)
    images.write_bytes(whole)
    labels.write_bytes(idx(np.arange(4, dtype=np.uint8)))
    with pytest.raises(DatabaseError, match="differ in number; seen: 5 and 4"):
        read_mnist(tmp_path, train=True)
    labels.write_bytes(idx(np.full(5, 10, np.uint8)))
    with pytest.raises(DatabaseError, match="out of range; seen: labels 10 to 10; expected: 0 to 9"):
        read_mnist(tmp_path, train=True)
    labels.write_bytes(whole)
    with pytest.raises(DatabaseError, match="exchanged"):
        read_mnist(tmp_path, train=True)


@pytest.mark.parametrize("damage", [lambda b: b[:30], lambda b: b[:30] + b"damage" + b[36:], lambda b: b"no gzip"])
def test_damaged_gzips_are_one_line(tmp_path, damage):
    write_mnist(tmp_path, pack=gzip.compress, end=".gz")
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(damage(images.read_bytes()))
    with pytest.raises(DatabaseError, match="images-idx3-ubyte.gz: cannot be read; seen: "):
        read_mnist(tmp_path, train=True)


def test_cifar10(tmp_path):
    planes = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
    labels = np.array([[0], [9], [3], [1]], np.uint8)
    (tmp_path / "test_batch.bin").write_bytes(np.hstack([labels, planes.reshape(4, -1)]).tobytes())
    read = read_cifar10(tmp_path, train=False)
    assert read.pictures.shape == (4, 32, 32, 3) and read.labels.tolist() == [0, 9, 3, 1]
    assert read.pictures[1, 5, 6, 2] == planes[1, 2, 5, 6]
    (tmp_path / "test_batch.bin").write_bytes(b"12345")
    with pytest.raises(DatabaseError, match="no CIFAR-10 batch"):
        read_cifar10(tmp_path, train=False)
    with pytest.raises(DatabaseError, match="CIFAR-10 is not here"):
        read_cifar10(tmp_path, train=True)


def test_folders(tmp_path):
    from pellucid.picture import Picture, write

    for i, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "1.png", Picture(np.full((9, 7, 1 + 2 * i), 100 * i, np.uint8)))
    read = read_folders(tmp_path, (8, 8))
    assert read.classes == ("cat", "dog") and read.labels.tolist() == [0, 1]
    assert read.pictures.shape == (2, 8, 8, 3) and set(np.unique(read.pictures[1])) == {100}
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatabaseError, match="a class has no pictures"):
        read_folders(tmp_path, (8, 8))
    with pytest.raises(DatabaseError, match="no classes found"):
        read_folders(tmp_path / "cat", (8, 8))


def test_some_classes_are_relabelled():
    whole = Labelled(np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1), np.array([0, 1, 2, 2, 1, 0]), ("a", "b", "c"))
    part = whole.of_classes([2, 0])
    assert part.classes == ("c", "a") and part.labels.tolist() == [1, 0, 0, 1]
    assert part.pictures.ravel().tolist() == [0, 2, 3, 5]


@pytest.mark.skipif(not MNIST.exists(), reason="MNIST's files are not here")
def test_mnist_itself():
    train, test = read_mnist(MNIST, train=True), read_mnist(MNIST, train=False)
    assert len(train) == 60_000 and len(test) == 10_000
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
