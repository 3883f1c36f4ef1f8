import io
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from pellucid.errors import NotFiniteError, PictureError, UsageError
from pellucid.picture import Picture, PictureInfo, from_float, open_writer, read, write
from tests.picture.samples import noisy, smooth

SUFFIXES = [".png", ".jpg", ".tif", ".webp", ".bmp"]
INFO = PictureInfo(50, 40, 3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_in_blocks_equal_the_whole(tmp_path, suffix):
    pixels = smooth(50, 40, 3)
    write(tmp_path / f"whole{suffix}", Picture(pixels))
    with open_writer(tmp_path / f"rows{suffix}", INFO) as writer:
        for y in range(0, 50, 7):
            writer.write(pixels[y : y + 7])
    assert (tmp_path / f"whole{suffix}").read_bytes() == (tmp_path / f"rows{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_float_rows_are_rounded_as_from_float_does(tmp_path, suffix):
    x = smooth(50, 40, 3, np.float32)
    name = tmp_path / f"a{suffix}"
    with open_writer(name, INFO, quality=100) as writer:
        writer.write(x)
    assert np.abs(read(name).pixels.astype(int) - from_float(x, np.uint8)).max() <= (3 if suffix == ".jpg" else 0)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("rows", [0, 20, 50])
def test_an_exception_leaves_nothing(tmp_path, suffix, error, rows):
    with pytest.raises(error), open_writer(tmp_path / f"a{suffix}", INFO) as writer:
        writer.write(noisy(50, 40, 3)[:rows])
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_rows_are_an_error_and_leave_nothing(tmp_path, suffix):
    with (
        pytest.raises(PictureError, match="rows are missing; seen: 49 rows; expected: 50 rows"),
        open_writer(tmp_path / f"a{suffix}", INFO) as writer,
    ):
        writer.write(noisy(49, 40, 3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("depth", ["8", "float"])
def test_nan_is_refused_whatever_the_depth(tmp_path, depth):
    x = smooth(50, 40, 3, np.float32)
    x[3, 4, 1] = np.nan
    with (
        pytest.raises(NotFiniteError, match="1 of 6000"),
        open_writer(tmp_path / "a.tif", PictureInfo(50, 40, 3, depth)) as writer,
    ):
        writer.write(x)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up_leaves_nothing_under_the_final_name(tmp_path, suffix):
    """A limit on file size stands for the full disk: the system refuses in the middle of the file."""
    code = f"""
        import resource, numpy as np
        from pellucid import picture
        from pellucid.errors import PictureError
        pixels = np.random.default_rng(1).integers(0, 256, (600, 800, 3), dtype=np.uint8)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            picture.write({str(tmp_path / ("a" + suffix))!r}, picture.Picture(pixels))
        except PictureError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "can't be written" in done.stdout and done.stderr == "" and len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_device_is_said_in_one_line():
    with pytest.raises(Exception, match="the disk is full"):
        write("/dev/full", Picture(noisy(50, 40, 3)), format="png")


def test_ctrl_c_in_the_middle_of_writing_leaves_nothing(tmp_path):
    code = f"""
        import signal, numpy as np
        from pellucid import picture
        signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in a shell's background
        info = picture.PictureInfo(100_000, 500, 3)
        with picture.open_writer({str(tmp_path / "a.png")!r}, info) as writer:
            rows = np.random.default_rng(1).integers(0, 256, (100, 500, 3), dtype=np.uint8)
            for step in range(1000):
                writer.write(rows)
                if step == 20:
                    print("under way", flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout.readline() == b"under way\n" and len(os.listdir(tmp_path)) == 1
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode != 0 and list(tmp_path.iterdir()) == []


def test_a_picture_may_replace_the_file_it_is_read_from(tmp_path):
    from pellucid.picture import open_reader

    write(tmp_path / "a.png", Picture(noisy(50, 40, 3)))
    with open_reader(tmp_path / "a.png") as reader, open_writer(tmp_path / "a.png", INFO, overwrite=True) as writer:
        for pixels, _ in reader.rows(10):
            writer.write(pixels[:, ::-1])
    assert np.array_equal(read(tmp_path / "a.png").pixels, noisy(50, 40, 3)[:, ::-1])


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff", "webp", "bmp"])
def test_streams_need_a_format_and_get_the_same_bytes(tmp_path, format):
    stream = io.BytesIO()
    write(stream, Picture(smooth(50, 40, 3)), format=format)
    write(tmp_path / "a", Picture(smooth(50, 40, 3)), format=format)
    assert stream.getvalue() == (tmp_path / "a").read_bytes()
    with pytest.raises(UsageError, match="no picture format is named"):
        write(stream, Picture(smooth(50, 40, 3)))


def test_standard_output(tmp_path):
    code = (
        "import sys, numpy as np; from pellucid import picture; "
        "picture.write(sys.stdout.buffer, picture.Picture(np.zeros((4, 5, 3), np.uint8)), format='png')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert read(done.stdout).pixels.shape == (4, 5, 3) and done.stderr == b""


@pytest.mark.parametrize("name", ["with space.png", "日本語 🖼.tif", "-leading.jpg", "a[Q=1].png", "x" * 250 + ".png"])
def test_paths_in_any_script(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(name, Picture(smooth(50, 40, 3)))
    assert os.listdir() == [name] and read(name).pixels.shape == (50, 40, 3)


def test_quality_counts_and_webps_hundred_is_lossless(tmp_path):
    picture = Picture(noisy(50, 40, 3))
    for suffix in (".jpg", ".webp"):
        sizes = []
        for quality in (30, 90):
            write(tmp_path / f"{quality}{suffix}", picture, quality=quality)
            sizes.append((tmp_path / f"{quality}{suffix}").stat().st_size)
        assert sizes[0] < sizes[1]
    write(tmp_path / "lossless.webp", picture, quality=100)
    assert np.array_equal(read(tmp_path / "lossless.webp").pixels, picture.pixels)
    with pytest.raises(UsageError, match="1 to 100"):
        write(tmp_path / "a.jpg", picture, quality=0)


def test_refusals_come_before_any_file(tmp_path):
    with pytest.raises(PictureError, match="16383"):
        open_writer(tmp_path / "a.webp", PictureInfo(1, 20_000, 3))
    with pytest.raises(PictureError, match="transparency"):
        open_writer(tmp_path / "a.jpg", PictureInfo(1, 2, 3, has_alpha=True))
    with pytest.raises(PictureError, match="4 GiB"):
        open_writer(tmp_path / "a.bmp", PictureInfo(40_000, 40_000, 3))
    assert list(tmp_path.iterdir()) == []


def test_rows_that_do_not_fit_are_refused(tmp_path):
    with open_writer(tmp_path / "a.png", PictureInfo(2, 3, 3, has_alpha=True)) as writer:
        with pytest.raises(UsageError, match="rows do not fit"):
            writer.write(noisy(1, 4, 3), noisy(1, 4, 1))
        with pytest.raises(UsageError, match="rows do not fit"):
            writer.write(noisy(3, 3, 3), noisy(3, 3, 1))
        with pytest.raises(UsageError, match="alpha does not fit"):
            writer.write(noisy(1, 3, 3))
        writer.write(noisy(2, 3, 3), noisy(2, 3, 1))
    assert read(tmp_path / "a.png").alpha.shape == (2, 3, 1)


def test_alpha_of_invisible_pixels_leaves_their_colour(tmp_path):
    pixels, alpha = noisy(20, 20, 3), np.zeros((20, 20, 1), np.uint8)
    for suffix in (".png", ".tif", ".webp"):
        write(tmp_path / f"a{suffix}", Picture(pixels, alpha), quality=100)
        assert np.array_equal(read(tmp_path / f"a{suffix}").pixels, pixels)
