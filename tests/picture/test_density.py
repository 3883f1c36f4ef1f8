"""How many pixels an inch has, and what a JPEG says beside EXIF, from file to file."""

from __future__ import annotations

import errno
import io

import numpy as np
import pytest
import pyvips

from pellucid.picture import Picture, open_reader, read, write
from pellucid.picture.encode_vips import VipsEncoder
from pellucid.picture.formats import JPEG
from tests.picture.samples import exif_blob, noisy, smooth, vips_file, vips_image

PER_INCH = 300
RECORD = b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05hello"


def given(suffix: str, across: float = PER_INCH, down: float = PER_INCH) -> bytes:
    image = vips_image(smooth(16, 12, 3)).copy(xres=across / 25.4, yres=down / 25.4)
    return bytes(image.write_to_buffer(suffix))


def made(picture: Picture, format: str) -> bytes:
    stream = io.BytesIO()
    write(stream, picture, format=format)
    return stream.getvalue()


def per_inch(data: bytes) -> tuple[int, int]:
    """As libvips understands it."""
    image = pyvips.Image.new_from_buffer(data, "")
    return round(25.4 * image.xres), round(25.4 * image.yres)


@pytest.mark.parametrize("source", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("target", ["png", "jpeg", "tiff"])
def test_it_stays(source, target):
    assert per_inch(made(read(given(source)), target)) == (PER_INCH, PER_INCH)
    assert per_inch(made(read(given(source, 200, 100)), target)) == (200, 100)


def test_a_jpeg_says_it_with_exif_and_without():
    picture = read(given(".png"))
    assert b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c" in made(picture, "jpeg")[:30]
    picture.exif = exif_blob()
    assert per_inch(made(picture, "jpeg")) == (PER_INCH, PER_INCH)


def test_what_says_nothing_is_given_nothing():
    for suffix in (".webp", ".gif"):
        assert read(vips_file(smooth(16, 12, 3), suffix)).density is None
    plain = made(Picture(smooth(16, 12, 3)), "jpeg")
    assert read(plain).density is None and b"JFIF" not in plain


def test_it_turns_with_the_picture():
    image = vips_image(smooth(16, 12, 3)).copy(xres=200 / 25.4, yres=100 / 25.4)
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    with open_reader(bytes(image.write_to_buffer(".jpg"))) as reader:
        assert reader.info.density is not None
        assert tuple(round(25.4 * d) for d in reader.info.density) == (100, 200)


def test_a_full_disk_is_told_as_one():
    pixels = noisy(300, 300, 3)
    info = Picture(pixels, density=(10.0, 10.0)).info
    with open("/dev/full", "w+b", buffering=0) as full, pytest.raises(OSError) as told:
        encoder = VipsEncoder(full, JPEG, info, 95)
        encoder.write(pixels)
        encoder.finish()
    assert told.value.errno == errno.ENOSPC


def test_iptc_goes_from_jpeg_to_jpeg():
    data = given(".jpg")
    segment = b"\xff\xed" + (len(RECORD) + 2).to_bytes(2, "big") + RECORD
    picture = read(data[:2] + segment + data[2:])
    assert picture.iptc == RECORD
    again = made(picture, "jpeg")
    assert read(again).iptc == RECORD and per_inch(again) == (PER_INCH, PER_INCH)
    np.testing.assert_array_equal(read(made(picture, "png")).pixels, picture.pixels)


def test_cmyk_is_said_to_have_become_rgb():
    cmyk = vips_image(smooth(16, 12, 3)).icc_transform("cmyk", input_profile="srgb")
    with open_reader(bytes(cmyk.write_to_buffer(".jpg"))) as reader:
        assert reader.info.converted_from == "CMYK"
