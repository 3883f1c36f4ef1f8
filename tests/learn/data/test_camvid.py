"""CamVid's reader, class weights, and the confusion that mean IoU is made of."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import DatabaseError
from pellucid.learn.data.camvid import CLASSES, VOID, balancing_weights, class_shares, read_camvid
from pellucid.picture import Picture, write

CAMVID = Path("../shared/data/camvid")


def grey(h: int, w: int, value: int) -> Picture:
    return Picture(np.full((h, w, 1), value, np.uint8))


@pytest.fixture
def streets(tmp_path):
    for name in ("val", "valannot"):
        (tmp_path / name).mkdir()
    for i in range(2):
        write(tmp_path / "val" / f"{i}.png", Picture(np.full((6, 8, 3), i, np.uint8)))
        write(tmp_path / "valannot" / f"{i}.png", grey(6, 8, i + 10))
    return tmp_path


def test_frames_and_labels_go_together(streets):
    read = read_camvid(streets, "val")
    assert read.frames.shape == (2, 6, 8, 3) and read.names == ("0", "1")
    assert [np.unique(label).tolist() for label in read.labels] == [[10], [VOID]]


def test_what_is_refused(streets):
    with pytest.raises(DatabaseError, match="no such part"):
        read_camvid(streets, "training")
    with pytest.raises(DatabaseError, match="CamVid is not here"):
        read_camvid(streets, "train")
    annotation = streets / "valannot" / "1.png"
    write(annotation, grey(6, 8, 12), overwrite=True)
    with pytest.raises(DatabaseError, match="no such class; seen: 12; expected: 0 to 11"):
        read_camvid(streets, "val")
    write(annotation, grey(6, 7, 1), overwrite=True)
    with pytest.raises(DatabaseError, match="labels do not fit"):
        read_camvid(streets, "val")
    annotation.unlink()
    with pytest.raises(DatabaseError, match="a frame has no labels"):
        read_camvid(streets, "val")


def test_rare_classes_weigh_more():
    labels = np.array([[0] * 90 + [1] * 9 + [2] + [VOID] * 20], np.uint8)
    assert class_shares(labels)[:3].tolist() == [0.9, 0.09, 0.01]
    weights = balancing_weights(labels)
    assert weights[0] < weights[1] < weights[2] < weights[3] == pytest.approx(1 / np.log(1.02))


@pytest.mark.skipif(not CAMVID.exists(), reason="CamVid's files are not here")
def test_camvid_itself():
    val = read_camvid(CAMVID, "val")
    assert val.frames.shape == (101, 360, 480, 3) and len(CLASSES) == 11
    assert np.unique(val.labels).tolist() == list(range(12))
