import struct

import numpy as np
import pytest

from pellucid.errors import PictureError
from pellucid.picture import open_reader, read
from tests.picture.samples import noisy, profile


def bmp(rows: bytes, width: int, height: int, bits: int, *, palette=b"", fields=b"", compression=0, header=40):
    """A BMP file of ready-made rows; `height` < 0 is top-down."""
    start = 14 + header + len(fields) + len(palette)
    colours = len(palette) // 4
    head = struct.pack("<2sIII", b"BM", start + len(rows), 0, start)
    if header == 12:
        head += struct.pack("<IHhHH", 12, width, height, 1, bits)
    else:
        head += struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
    return head + fields + palette + rows


def padded(rows: np.ndarray) -> bytes:
    """Rows of bytes, each filled up to a multiple of four."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)), constant_values=0xEE).tobytes()


GREY = b"".join(bytes((v, v, v, 0)) for v in range(256))
COLOURS = np.random.default_rng(3).integers(0, 256, (256, 3), dtype=np.uint8)
PALETTE = np.pad(COLOURS[:, ::-1], ((0, 0), (0, 1))).tobytes()


@pytest.mark.parametrize("width", [1, 3, 4, 7, 33])
@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_24_bits_in_either_direction_in_blocks_of_any_size(width, top_down, count):
    want = noisy(5, width, 3)
    stored = (want if top_down else want[::-1])[:, :, ::-1].reshape(5, -1)
    with open_reader(bmp(padded(stored), width, -5 if top_down else 5, 24)) as reader:
        assert np.array_equal(np.concatenate([pixels for pixels, _ in reader.rows(count)]), want)


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("width", [1, 7, 8, 9, 31])
def test_palettes_become_colours_and_grey_palettes_grey(bits, width):
    indices = np.random.default_rng(bits).integers(0, 1 << bits, (6, width), dtype=np.uint8)
    as_bits = np.unpackbits(indices[::-1, :, None], axis=2)[:, :, 8 - bits :].reshape(6, -1)
    rows = padded(np.packbits(as_bits, axis=1))
    colours = read(bmp(rows, width, 6, bits, palette=PALETTE[: 4 << bits]))
    assert np.array_equal(colours.pixels, COLOURS[indices])
    grey = read(bmp(rows, width, 6, bits, palette=GREY[: 4 << bits]))
    assert np.array_equal(grey.pixels, indices[:, :, None])


def test_an_old_header_with_three_byte_palette():
    palette = COLOURS[:16, ::-1].tobytes()
    data = bmp(padded(np.array([[0x1F]], np.uint8)), 2, 1, 4, palette=palette, header=12)
    assert np.array_equal(read(data).pixels, COLOURS[None, [1, 15]])


def test_indices_beyond_a_short_palette_are_black():
    data = bmp(padded(np.array([[1, 200]], np.uint8)), 2, 1, 8, palette=PALETTE[:8])
    assert np.array_equal(read(data).pixels[0], [COLOURS[1], [0, 0, 0]])


def test_16_bits_are_five_each_unless_fields_say_six():
    words = np.array([[0x7FFF, 0x7C00, 0x03E0, 0x001F, 0x0010]], "<u2")
    five = read(bmp(padded(words.view(np.uint8)), 5, 1, 16)).pixels[0]
    assert five.tolist() == [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 132]]
    words = np.array([[0xF800, 0x07E0, 0x001F, 0x0400]], "<u2")
    fields = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    six = read(bmp(padded(words.view(np.uint8)), 4, 1, 16, fields=fields, compression=3)).pixels[0]
    assert six.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 130, 0]]


def test_32_bits_have_alpha_only_where_a_mask_names_it():
    pixels = noisy(3, 4, 4)
    rows = pixels[::-1, :, [2, 1, 0, 3]].reshape(3, -1)
    plain = read(bmp(padded(rows), 4, 3, 32))
    assert plain.alpha is None and np.array_equal(plain.pixels, pixels[:, :, :3])
    fields = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    masked = read(bmp(padded(rows), 4, 3, 32, fields=fields, compression=6))
    assert np.array_equal(masked.pixels, pixels[:, :, :3]) and np.array_equal(masked.alpha, pixels[:, :, 3:])


def test_a_profile_in_a_version_5_header_is_kept():
    icc, rows = profile(3), padded(np.array([[1, 2, 3]], np.uint8))
    head = bytearray(138)
    head[:2], head[10:14], head[14:18] = b"BM", struct.pack("<I", 138), struct.pack("<I", 124)
    head[18:30] = struct.pack("<iiHH", 1, 1, 1, 24)
    head[70:74], head[126:134] = b"DEBM", struct.pack("<II", 124 + len(rows), len(icc))
    picture = read(bytes(head) + rows + icc)
    assert picture.profile == icc and picture.pixels.tolist() == [[[3, 2, 1]]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bmp(bytes(99), 8, 8, 8, compression=1), "RLE8"),
        (bmp(bytes(99), 8, 8, 4, compression=2), "RLE4"),
        (bmp(bytes(99), 8, 8, 13), "13 bits"),
        (bmp(bytes(99), 0, 8, 24), "damaged"),
        (bmp(bytes(99), 8, 0, 24), "damaged"),
        (bmp(bytes(191), 8, 8, 24), "cut short; seen: 245 bytes; expected: 246 bytes"),
        (bmp(bytes(192), 8, 8, 24)[:40], "damaged or cut short"),
        (bmp(b"", 2**31 - 1, 2**31 - 1, 32), "too many pixels"),
        (bmp(bytes(192), 8, 8, 16, fields=bytes(12), compression=3), "damaged"),
        (b"BM" + bytes(60), "damaged"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(data, words):
    with pytest.raises(PictureError, match=words) as error:
        read(data)
    assert "\n" not in str(error.value)
