"""The table: every format in, every format out; orientation, profile, alpha, depth, EXIF, XMP."""

import itertools

import numpy as np
import pytest
import pyvips

from pellucid.picture import Picture, open_reader, read, write
from pellucid.picture.metadata import PIXEL_HEIGHT, PIXEL_WIDTH, clean_exif, exif_directories
from tests.picture.samples import exif_blob, noisy, profile, smooth, vips_file

IN = [".png", ".jpg", ".tif", ".webp"]
OUT = [*IN, ".bmp"]
ALPHA = (".png", ".tif", ".webp")
DEPTHS = {".png": (np.uint8, np.uint16), ".tif": (np.uint8, np.uint16, np.float32)}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="%d"/></x:xmpmeta>'


def cases():
    for suffix in OUT:
        for dtype in DEPTHS.get(suffix, (np.uint8,)):
            for bands in (1, 2, 3, 4) if suffix in ALPHA else (1, 3):
                yield pytest.param(suffix, dtype, bands, id=f"{suffix[1:]}-{np.dtype(dtype).name}-{bands}")


@pytest.mark.parametrize(("suffix", "dtype", "bands"), cases())
def test_what_is_written_comes_back(tmp_path, suffix, dtype, bands):
    lossy = suffix == ".jpg"
    picture = Picture.from_array((smooth if lossy else noisy)(37, 53, bands, dtype))
    channels = picture.pixels.shape[2]
    picture.profile, picture.exif, picture.xmp = profile(channels), clean_exif(exif_blob()), XMP % 1
    notes = write(tmp_path / f"a{suffix}", picture, quality=100)
    back = read(tmp_path / f"a{suffix}")
    if suffix == ".webp" and channels == 1:
        assert "WebP: grey is kept as RGB" in notes and np.ptp(back.pixels, axis=2).max() == 0
        back.pixels = back.pixels[:, :, :1]
    else:
        kept = suffix != ".bmp"
        assert back.profile == (picture.profile if kept else None) and bool(notes) is not kept
    assert back.pixels.dtype == dtype and back.pixels.shape == picture.pixels.shape
    assert np.abs(back.pixels.astype(float) - picture.pixels).max() <= (3 if lossy else 0)
    assert (back.alpha is None) == (picture.alpha is None)
    assert picture.alpha is None or np.array_equal(back.alpha, picture.alpha)
    if suffix != ".bmp":
        assert back.xmp == picture.xmp and b"ACM" in back.exif and b"NOTENOTENOTE" in back.exif


def turned():
    for suffix, orientation, wide, alpha in itertools.product(IN, range(1, 9), (False, True), (False, True)):
        if wide and suffix not in DEPTHS or alpha and suffix not in ALPHA:
            continue
        name = f"{suffix[1:]}-{orientation}-{16 if wide else 8}{'-alpha' if alpha else ''}"
        yield pytest.param(suffix, orientation, wide, alpha, id=name)


@pytest.mark.parametrize(("suffix", "orientation", "wide", "alpha"), turned())
def test_a_turned_picture_stands_upright_once(tmp_path, suffix, orientation, wide, alpha):
    """Read from every format in every orientation and written to every format: other programs see it upright."""
    stored = smooth(23, 34, 4 if alpha else 3, np.uint16 if wide else np.uint8)
    data = vips_file(
        stored, suffix, orientation=orientation, exif=exif_blob(orientation), icc=profile(3), xmp=XMP % orientation
    )
    want = pyvips.Image.new_from_buffer(data, "").autorot().numpy()
    with open_reader(data) as reader:
        info, picture = reader.info, reader.read()
    assert info.orientation_was == orientation and (info.height, info.width) == want.shape[:2]
    assert (picture.profile, picture.xmp) == (profile(3), XMP % 1)
    assert np.array_equal(picture.pixels, want[:, :, :3]) and (
        not alpha or np.array_equal(picture.alpha, want[:, :, 3:])
    )
    for out in ALPHA if alpha else IN:
        path = tmp_path / f"a{out}"
        write(path, picture, quality=100)
        image = pyvips.Image.new_from_file(str(path))
        assert (image.height, image.width) == want.shape[:2]
        assert not image.get_typeof("orientation") or image.get("orientation") == 1
        seen = image.autorot().numpy().astype(float) / (257 if image.format == "ushort" else 1)
        assert np.abs(seen - want / (257.0 if wide else 1)).max() <= 5  # chroma of a JPEG
        again = read(path)
        assert again.profile == profile(3) and again.xmp == XMP % 1
        if suffix != ".tif":  # libvips writes no EXIF into the TIFF that was read
            assert b"ACM" in again.exif and b"2020:02:03 04:05:06" in again.exif


@pytest.mark.parametrize("out", [".png", ".jpg", ".webp"])
def test_the_thumbnail_of_the_old_picture_is_gone(tmp_path, out):
    exif = exif_blob(6, thumbnail=b"\xff\xd8STALE\xff\xd9")
    data = vips_file(smooth(8, 9, 3), ".jpg")
    data = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    assert b"STALE" in data and read(data).pixels.shape == (9, 8, 3)
    write(tmp_path / f"a{out}", read(data))
    assert b"STALE" not in (tmp_path / f"a{out}").read_bytes()


@pytest.mark.parametrize("out", [".png", ".jpg", ".tif", ".webp"])
def test_nothing_is_invented(tmp_path, out):
    write(tmp_path / f"a{out}", Picture(smooth(8, 9, 3)))
    back = read(tmp_path / f"a{out}")
    assert back.profile is None and back.xmp is None and back.exif is None


@pytest.mark.parametrize("out", [".jpg", ".tif", ".png", ".webp"])
def test_the_size_in_exif_is_the_new_one(tmp_path, out):
    write(tmp_path / "small.jpg", Picture(smooth(30, 20, 3), exif=clean_exif(exif_blob())))
    old = read(tmp_path / "small.jpg").exif
    write(tmp_path / f"large{out}", Picture(smooth(60, 40, 3), exif=old))
    for exif, size in ((old, (30, 20)), (read(tmp_path / f"large{out}").exif, (60, 40))):
        _, inner, _ = exif_directories(exif)
        assert (inner[PIXEL_HEIGHT].number, inner[PIXEL_WIDTH].number) == size
