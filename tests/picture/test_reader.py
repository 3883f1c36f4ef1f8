import io
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from pellucid.errors import PictureError
from pellucid.picture import open_reader, read
from tests.picture.samples import noisy, smooth, vips_file


@pytest.mark.parametrize("name", ["plain.png", "with space.png", "日本語 Ünï 🖼.png", "-leading.png", "a[Q=1].png", "x"])
def test_paths_in_any_script(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(vips_file(smooth(5, 4, 3), ".png"))
    monkeypatch.chdir(tmp_path)
    assert np.array_equal(read(name).pixels, smooth(5, 4, 3))
    assert np.array_equal(read(tmp_path / name).pixels, smooth(5, 4, 3))


def test_a_name_that_is_no_unicode(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    with open(path, "wb") as file:
        file.write(vips_file(smooth(5, 4, 3), ".png"))
    assert read(path).pixels.shape == (5, 4, 3)
    with pytest.raises(PictureError) as error:
        read(path + ".none")
    assert str(error.value).encode() and "caf" in str(error.value)


def test_content_decides_not_the_suffix(tmp_path):
    (tmp_path / "lying.jpg").write_bytes(vips_file(smooth(5, 4, 3), ".png"))
    with open_reader(tmp_path / "lying.jpg") as reader:
        assert reader.info.format == "PNG"


@pytest.mark.parametrize("source", ["bytes", "memory", "file", "pipe", "fifo"])
def test_every_kind_of_source(tmp_path, source):
    data, want = vips_file(noisy(50, 40, 3), ".png"), noisy(50, 40, 3)
    (tmp_path / "a.png").write_bytes(data)
    if source == "bytes":
        assert np.array_equal(read(data).pixels, want)
    elif source == "memory":
        assert np.array_equal(read(io.BytesIO(data)).pixels, want)
    elif source == "file":
        with open(tmp_path / "a.png", "rb") as file:
            assert np.array_equal(read(file).pixels, want)
    elif source == "fifo":
        os.mkfifo(tmp_path / "fifo")
        thread = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(data,))
        thread.start()
        assert np.array_equal(read(tmp_path / "fifo").pixels, want)
        thread.join()
    else:
        code = "import sys; from pellucid import picture; print(picture.read(sys.stdin.buffer).pixels.sum())"
        done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
        assert int(done.stdout) == int(want.sum()) and done.stderr == b""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"hello, this is text", "not a picture this program reads; seen: a file that begins with b'hello, t'"),
        (b"\x89PNG", "not a picture"),
        (b"\0" * 1000, "not a picture"),
    ],
)
def test_files_that_are_no_pictures_give_one_clear_line(tmp_path, data, words):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=words) as error:
        read(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(PictureError, match="there is no such file"):
        read(tmp_path / "none.png")
    with pytest.raises(PictureError, match="a folder, not a picture"):
        read(tmp_path)
    with pytest.raises(PictureError, match="can't be opened"):
        read("a\0b.png")


@pytest.mark.parametrize("count", [1, 3, 7, 50, 1000])
def test_blocks_of_any_size_make_up_the_picture(count):
    data, want = vips_file(noisy(50, 13, 4), ".png"), noisy(50, 13, 4)
    with open_reader(data) as reader:
        blocks = list(reader.rows(count))
    assert all(len(pixels) == count for pixels, _ in blocks[:-1])
    assert np.array_equal(np.concatenate([pixels for pixels, _ in blocks]), want[:, :, :3])
    assert np.array_equal(np.concatenate([alpha for _, alpha in blocks]), want[:, :, 3:])


def test_rows_go_on_where_they_stopped():
    with open_reader(vips_file(noisy(50, 13, 1), ".png")) as reader:
        first, _ = next(reader.rows(20))
        assert len(first) == 20 and np.array_equal(reader.read().pixels, noisy(50, 13, 1)[20:])


def test_what_is_known_before_the_rows():
    with open_reader(vips_file(smooth(5, 4, 2, np.uint16), ".png")) as reader:
        info = reader.info
    assert (info.height, info.width, info.channels, info.depth, info.has_alpha) == (5, 4, 1, "16", True)
    assert (info.format, info.pages, info.orientation_was) == ("PNG", 1, 1)


def test_no_file_stays_open_after_an_error(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(vips_file(noisy(90, 80, 3), ".png")[:9000])
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(PictureError):
            read(path)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_importing_it_loads_no_libvips():
    code = "import sys, pellucid.picture; assert not any(m.startswith(('pyvips', '_libvips')) for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
