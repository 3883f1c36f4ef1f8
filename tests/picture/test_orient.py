import numpy as np
import pytest
import pyvips

from pellucid.errors import ResourceError
from pellucid.picture import open_reader, orient, read
from tests.picture.samples import noisy, vips_file, vips_image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_libvips_makes_of_the_tag(orientation):
    pixels = noisy(5, 7, 3)
    image = vips_image(pixels).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    assert np.array_equal(orient.upright(pixels, orientation), image.autorot().numpy())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rows_that_wait_on_disk_equal_rows_that_wait_in_memory(orientation, monkeypatch):
    pixels = noisy(40, 31, 3, np.uint16)
    data = vips_file(pixels, ".png", orientation=orientation)
    in_memory = read(data).pixels
    monkeypatch.setattr(orient, "MEMORY_BYTES", 0)
    monkeypatch.setattr(orient, "_BLOCK_BYTES", 1000)
    with open_reader(data) as reader:
        assert reader.info.orientation_was == orientation
        on_disk = np.concatenate([rows for rows, _ in reader.rows(7)])
    assert np.array_equal(on_disk, in_memory) and np.array_equal(on_disk, orient.upright(pixels, orientation))


def test_a_full_disk_is_said_in_one_line(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return open("/dev/full", "wb", buffering=0)

        def __exit__(self, *_):
            return None

    path = tmp_path / "a.png"
    path.write_bytes(vips_file(noisy(40, 31, 3), ".png", orientation=6))
    monkeypatch.setattr(orient, "MEMORY_BYTES", 0)
    monkeypatch.setattr(orient.tempfile, "TemporaryFile", Full)
    with pytest.raises(ResourceError, match="can't wait on disk: the disk is full"):
        read(path)
