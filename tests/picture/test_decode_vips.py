"""Files of other people's making: palettes, CMYK, pages, frames, damage."""

import struct
import zlib

import numpy as np
import pytest
import pyvips

from pellucid.errors import NotFiniteError, PictureError
from pellucid.picture import open_reader, read
from tests.picture.samples import noisy, smooth, vips_file, vips_image, with_blobs

SUFFIXES = [".png", ".jpg", ".tif", ".webp", ".gif"]


def several(suffix: str) -> bytes:
    """Three pictures in one file."""
    frames = [vips_image(noisy(8, 6, 3, seed=seed)) for seed in range(3)]
    joined = pyvips.Image.arrayjoin(frames, across=1).copy()
    joined.set_type(pyvips.GValue.gint_type, "page-height", 8)
    return bytes(joined.write_to_buffer(suffix))


@pytest.mark.parametrize(("suffix", "words"), [(".gif", "3 frames"), (".webp", "3 frames"), (".tif", "3 pages")])
def test_several_pictures_are_refused_never_the_first_in_silence(suffix, words):
    with pytest.raises(PictureError, match=f"holds {words}.*one picture.*split"):
        open_reader(several(suffix))


def test_an_animated_png_is_refused():
    data = vips_file(smooth(4, 4, 3), ".png")
    control = b"acTL" + struct.pack(">II", 5, 0)
    animated = data[:33] + struct.pack(">I", 8) + control + struct.pack(">I", zlib.crc32(control)) + data[33:]
    with pytest.raises(PictureError, match="holds 5 frames"):
        open_reader(animated)


def test_a_tiff_whose_further_pages_are_smaller_levels_is_one_picture():
    options = {"pyramid": True, "tile": True, "tile_width": 16, "tile_height": 16}
    for as_pages in (True, False):
        data = vips_image(noisy(64, 64, 3)).tiffsave_buffer(subifd=not as_pages, **options)
        pages = pyvips.Image.new_from_buffer(data, "").get("n-pages")
        assert (pages > 1) is as_pages and np.array_equal(read(data).pixels, noisy(64, 64, 3))


def test_cmyk_becomes_rgb_through_its_profile():
    rgb = vips_image(smooth(32, 24, 3))
    cmyk = rgb.icc_transform("cmyk", input_profile="srgb")
    for suffix in (".jpg", ".tif"):
        picture = read(bytes(cmyk.write_to_buffer(suffix)))
        assert picture.pixels.shape == (32, 24, 3) and picture.profile is None
        want = cmyk.icc_transform("srgb", embedded=True).numpy()
        assert np.abs(picture.pixels.astype(int) - want).max() <= (12 if suffix == ".jpg" else 0)


def test_palettes_become_colours_and_stay_sharp():
    pixels = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], np.uint8).repeat(8, 0).repeat(8, 1)
    for data in (
        vips_image(pixels).pngsave_buffer(palette=True, dither=0, effort=10),
        vips_image(pixels).gifsave_buffer(dither=0),
    ):
        assert np.array_equal(read(data).pixels, pixels)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_is_grey_of_eight(bits):
    levels = np.arange(16, dtype=np.uint8).reshape(4, 4, 1) % (1 << bits) * np.uint8(255 // ((1 << bits) - 1))
    assert np.array_equal(read(vips_image(levels).pngsave_buffer(bitdepth=bits)).pixels, levels)
    assert np.array_equal(read(vips_image(levels).tiffsave_buffer(bitdepth=bits)).pixels, levels)


def test_alpha_in_a_tiff_that_was_multiplied_in_is_divided_out():
    pixels = np.full((4, 4, 4), 200, np.uint8)
    pixels[:, :, 3] = 128
    picture = read(vips_image(pixels).tiffsave_buffer(premultiply=True))
    assert np.abs(picture.pixels.astype(int) - 200).max() <= 1 and (picture.alpha == 128).all()


@pytest.mark.parametrize("kind", ["uint", "int", "short", "double", "complex"])
def test_other_samples_are_refused(kind):
    data = vips_image(smooth(4, 4, 1)).cast(kind).tiffsave_buffer()
    with pytest.raises(PictureError, match="8 bits, 16 bits or float32|damaged"):
        read(data)


def test_many_planes_are_refused():
    with pytest.raises(PictureError, match="6 planes.*grey, RGB, CMYK"):
        read(vips_image(smooth(4, 4, 3)).bandjoin(vips_image(smooth(4, 4, 3))).tiffsave_buffer())


def test_nan_in_a_file_is_refused():
    pixels = smooth(4, 4, 1, np.float32)
    pixels[2, 3] = np.nan
    with pytest.raises(NotFiniteError, match="1 of 16 samples"):
        read(vips_image(pixels).tiffsave_buffer())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.98])
def test_a_file_cut_short_is_refused_in_one_line(suffix, share):
    data = bytes(vips_image(noisy(90, 80, 3)).write_to_buffer(suffix))
    with pytest.raises(PictureError) as error:
        read(data[: max(13, int(len(data) * share))])
    assert "\n" not in str(error.value) and "damaged or cut short" in str(error.value)


def test_a_damaged_middle_is_noticed_where_the_format_has_checksums():
    data = bytearray(vips_file(noisy(90, 80, 3), ".png"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(PictureError, match="damaged or cut short"):
        read(bytes(data))


def test_the_limit_on_pixels_holds_before_any_is_decoded_and_can_be_raised():
    data = vips_file(smooth(20, 30, 3), ".png")
    with pytest.raises(PictureError, match="30 x 20 = 0.0 megapixels.*raise the limit"):
        open_reader(data, max_pixels=599)
    assert read(data, max_pixels=600).pixels.shape == read(data, max_pixels=None).pixels.shape == (20, 30, 3)


def test_a_header_that_promises_the_moon_is_refused():
    data = bytearray(vips_file(smooth(4, 4, 3), ".png"))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(PictureError, match="too many pixels"):
        read(bytes(data))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_interlaced_and_progressive_files_say_the_same_as_plain_ones(suffix):
    image = vips_image(smooth(70, 50, 3))
    plain, woven = (bytes(image.write_to_buffer(suffix, interlace=flag)) for flag in (False, True))
    assert plain != woven and np.array_equal(read(plain).pixels, read(woven).pixels)


def test_exif_in_a_tiff_reaches_the_reader():
    data = with_blobs(vips_image(smooth(4, 4, 3))).tiffsave_buffer()
    assert read(data).exif is not None  # libvips always writes a resolution
