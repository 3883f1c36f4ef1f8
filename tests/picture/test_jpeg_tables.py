"""The quality of a JPEG file by its own tables."""

from __future__ import annotations

import io

import numpy as np
import pytest

from pellucid.picture import Picture, open_reader, write
from pellucid.picture.jpeg_tables import PRINTED, quality_of_jpeg


def jpeg(quality: int, channels: int = 3) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, channels)).astype(np.uint8)
    write(stream, Picture(pixels, exif=b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0\0\0\0\0"), format="jpeg", quality=quality)
    return stream.getvalue()


def reader_of(data: bytes):
    def read(at: int, size: int) -> bytes:
        if at + size > len(data):
            raise ValueError
        return data[at : at + size]

    return read


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [25, 30, 50, 75, 85, 90, 91, 95, 98])
def test_it_is_the_quality_it_was_stored_with(quality, channels):
    with open_reader(jpeg(quality, channels)) as reader:
        assert reader.info.jpeg_quality == quality


def test_other_formats_have_none():
    stream = io.BytesIO()
    write(stream, Picture(np.zeros((2, 2, 1), np.uint8)), format="png")
    with open_reader(stream.getvalue()) as reader:
        assert reader.info.jpeg_quality is None


def test_wide_tables_and_filling_are_understood():
    wide = b"\x10" + np.full(64, PRINTED // 64 + 1, ">u2").tobytes()
    other = b"\x01" + bytes([1]) * 64
    segment = other + wide
    data = b"\xff\xd8\xff\xff\xff\xdb" + (len(segment) + 2).to_bytes(2, "big") + segment
    assert quality_of_jpeg(reader_of(data)) == 50


def test_a_file_that_ends_early_has_none_and_never_crashes():
    data = jpeg(50)
    first = data.index(b"\xff\xdb")
    for size in range(0, first + 4 + 65):
        assert quality_of_jpeg(reader_of(data[:size])) is None
    for broken in (
        b"\xff\xd8\xff\xdb\0\0",
        b"\xff\xd8\xff\xda\0\x08",
        b"\xff\xd8junk",
        b"\xff\xd8\xff\xdb\0\x43" + bytes(65),
    ):
        assert quality_of_jpeg(reader_of(broken)) is None
