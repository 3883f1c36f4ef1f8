"""A newcomer's photograph: a JPEG that a telephone held sideways wrote, with a profile of its own.

It comes out upright, its colours meaning what they meant, its story kept.
"""

from pathlib import Path

import numpy as np
import pytest
import pyvips

import pellucid
from pellucid.picture import read
from pellucid.resample import imresize
from pellucid.tasks.superres import Options, upscale_file
from tests.picture.samples import exif_blob, vips_image, with_blobs
from tests.small_models import superres_model


def telephone(path: Path, h: int, w: int) -> np.ndarray:
    """Writes the file and returns what a viewer shows of it: (w, h, 3), turned to the right."""
    coarse = np.random.default_rng(5).integers(40, 216, (h // 20 + 1, w // 20 + 1, 3)).astype(np.uint8)
    stored = np.ascontiguousarray(imresize(coarse, size=(h, w)))
    p3 = bytes(pyvips.Operation.call("profile_load", "p3"))
    image = with_blobs(vips_image(stored), exif=exif_blob(), icc=p3).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(path), Q=92, keep="all")
    return np.rot90(stored, -1)


@pytest.mark.parametrize("size", [(240, 330), pytest.param((3024, 4032), marks=pytest.mark.heavy)])
def test_it_comes_out_right(tmp_path: Path, size: tuple[int, int]) -> None:
    shown = telephone(tmp_path / "IMG 0001.JPG", *size)
    network = pellucid.load(superres_model(tmp_path / "small.safetensors"))
    upscale_file(network, str(tmp_path / "IMG 0001.JPG"), str(tmp_path / "large.jpg"), Options())
    before, after = read(tmp_path / "IMG 0001.JPG"), read(tmp_path / "large.jpg")
    assert after.pixels.shape == (3 * shown.shape[0], 3 * shown.shape[1], 3)
    assert np.abs(imresize(after.pixels, 1 / 3).astype(float) - shown).mean() < 6
    assert after.profile == before.profile and b"P3" in (after.profile or b"").replace(b"\0", b"")
    assert pyvips.Image.new_from_file(str(tmp_path / "large.jpg")).get("orientation") == 1
    assert before.exif and after.exif and b"2020:02:03" in after.exif
