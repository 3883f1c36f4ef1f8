import struct

import numpy as np
import pytest
import pyvips

from pellucid.picture import Picture, encode_tiff, open_reader, read, write
from pellucid.picture.metadata import clean_exif
from tests.picture.samples import exif_blob, noisy, profile


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", [(1, 1), (3, 50), (700, 333)])
def test_libvips_reads_what_we_write(tmp_path, bands, dtype, size):
    want = noisy(*size, bands, dtype)
    write(tmp_path / "a.tif", Picture.from_array(want))
    image = pyvips.Image.new_from_file(str(tmp_path / "a.tif"))
    assert image.bands == bands and image.hasalpha() == (bands in (2, 4))
    assert np.array_equal(image.numpy().reshape(want.shape), want)


def test_bigtiff_from_four_gigabytes_on(tmp_path, monkeypatch):
    want = noisy(90, 80, 4, np.uint16)
    for limit, magic in ((want.nbytes, 42), (want.nbytes - 1, 43)):
        monkeypatch.setattr(encode_tiff, "_BIG_FROM", limit)
        picture = Picture.from_array(want)
        picture.exif, picture.profile = clean_exif(exif_blob()), profile(3)
        write(tmp_path / "a.tif", picture, overwrite=True)
        data = (tmp_path / "a.tif").read_bytes()
        assert struct.unpack("<H", data[2:4])[0] == magic
        back = read(data)
        assert np.array_equal(np.concatenate([back.pixels, back.alpha], 2), want)
        assert back.profile == profile(3) and b"2020:02:03 04:05:06" in back.exif


@pytest.mark.heavy
def test_a_picture_beyond_four_gigabytes_comes_back(tmp_path):
    from pellucid.picture import PictureInfo, open_writer

    height, width = 24_000, 60_001  # 4.32 GB as RGB
    row = np.arange(width * 3).astype(np.uint8).reshape(1, width, 3)
    with open_writer(tmp_path / "a.tif", PictureInfo(height, width, 3)) as writer:
        for y in range(0, height, 100):
            writer.write(np.repeat(row + np.uint8(y // 100), 100, axis=0))
    with open_reader(tmp_path / "a.tif", max_pixels=None) as reader:
        for y, (pixels, _) in zip(range(0, height, 100), reader.rows(100), strict=True):
            assert np.array_equal(pixels[0], row[0] + np.uint8(y // 100)) and (pixels == pixels[:1]).all()
    assert (tmp_path / "a.tif").read_bytes()[:4] == b"II+\0"
