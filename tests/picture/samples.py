"""Small pictures and files for these tests, made by libvips or by hand: never by the code under test."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pyvips

MAKER, ORIENTATION, EXIF_POINTER, DATE, MAKER_NOTE = 0x010F, 0x0112, 0x8769, 0x9003, 0x927C


def smooth(h: int, w: int, c: int, dtype: type = np.uint8) -> np.ndarray:
    """A picture without a symmetry, gentle enough for JPEG. (h, w, c)"""
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    planes = [0.2 + 0.7 * y, 0.9 - 0.6 * x, 0.1 + 0.4 * x + 0.4 * y, 0.3 + 0.5 * x * y]
    picture = np.stack(planes[:c], axis=2)
    if dtype == np.float32:
        return picture.astype(np.float32)
    return np.round(picture * np.iinfo(dtype).max).astype(dtype)


def noisy(h: int, w: int, c: int, dtype: type = np.uint8, seed: int = 7) -> np.ndarray:
    """A picture that no filter or predictor makes easy. (h, w, c)"""
    rng = np.random.default_rng(seed)
    if dtype == np.float32:
        return rng.random((h, w, c), dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (h, w, c), dtype=dtype, endpoint=True)


def exif_blob(orientation: int = 1, order: str = "<", thumbnail: bytes = b"") -> bytes:
    """EXIF with a maker, an orientation, a date, a maker's note and, if given, a thumbnail in a second directory."""
    first, inner, values, second = 8, 50, 80, 120
    note, date = b"NOTE" * 3, b"2020:02:03 04:05:06\0"
    body = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", first)
    body += struct.pack(order + "H", 3)
    body += struct.pack(order + "HHI", MAKER, 2, 4) + b"ACM\0"
    body += struct.pack(order + "HHIHxx", ORIENTATION, 3, 1, orientation)
    body += struct.pack(order + "HHII", EXIF_POINTER, 4, 1, inner)
    body += struct.pack(order + "I", second if thumbnail else 0)
    assert len(body) == inner
    body += struct.pack(order + "H", 2)
    body += struct.pack(order + "HHII", DATE, 2, 20, values) + struct.pack(order + "HHII", MAKER_NOTE, 7, 12, 100)
    body += bytes(4)
    assert len(body) == values
    body += date + note
    body = body.ljust(second, b"\0")
    if thumbnail:
        body += struct.pack(order + "H", 2)
        body += struct.pack(order + "HHII", 0x0201, 4, 1, second + 30)
        body += struct.pack(order + "HHII", 0x0202, 4, 1, len(thumbnail)) + bytes(4)
        body += thumbnail
    return b"Exif\0\0" + body


def profile(channels: int) -> bytes:
    """libvips's own sRGB profile, or the least that may call itself a grey one."""
    if channels == 3:
        return bytes(pyvips.Operation.call("profile_load", "srgb"))
    white = b"XYZ \0\0\0\0" + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, 0x0233)
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 16)
    head = bytearray(128)
    head[0:4] = struct.pack(">I", 192)
    head[8:12], head[12:16], head[16:20], head[20:24] = b"\x02\x40\0\0", b"mntr", b"GRAY", b"XYZ "
    head[36:40], head[68:80] = b"acsp", white[8:]
    return bytes(head) + table + white + curve


def vips_image(pixels: np.ndarray) -> Any:
    h, w, c = pixels.shape
    wide = pixels.dtype != np.uint8
    kind = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}[pixels.dtype.name]
    space = ("grey16" if wide else "b-w") if c < 3 else ("rgb16" if wide else "srgb")
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels).tobytes(), w, h, c, kind)
    return image.copy(interpretation=space)


def with_blobs(image: Any, *, exif: bytes | None = None, icc: bytes | None = None, xmp: bytes | None = None) -> Any:
    image = image.copy()
    for name, blob in (("exif-data", exif), ("icc-profile-data", icc), ("xmp-data", xmp)):
        if blob is not None:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    return image


def vips_file(pixels: np.ndarray, suffix: str, *, orientation: int = 1, **blobs: bytes | None) -> bytes:
    """A file of `pixels` as stored, with an orientation tag, written by libvips. Lossless, but for JPEG."""
    image = with_blobs(vips_image(pixels), **blobs)
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    options: dict[str, Any] = {".webp": {"lossless": True, "exact": True}, ".jpg": {"Q": 100}}.get(suffix, {})
    return bytes(image.write_to_buffer(suffix, **options))


def vips_pixels(data: bytes) -> np.ndarray:
    """What libvips makes of a file, whole. (h, w, c)"""
    pixels = pyvips.Image.new_from_buffer(data, "").numpy()
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
