"""TIFF's directories of tags, classic and BigTIFF: reading them, packing them. EXIF is such a file without pixels.

It knows types and offsets; what a tag means is its callers' business. Offsets from outside are bounds-checked by the
`read` that the caller brings, which must raise ValueError when bytes are missing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WORDS = _SIZES | {5: 4, 10: 4}  # a rational is two words
_LARGEST_VALUE = 1 << 20  # bytes; longer ones (offsets of strips, say) are not read

Read = Callable[[int, int], bytes]
"""(offset, size) -> exactly size bytes, or ValueError."""


@dataclass(frozen=True)
class Layout:
    """Byte order ("<" or ">") and width of offsets: 8 bytes in BigTIFF, else 4."""

    order: str
    big: bool = False

    def pack(self, code: str, *values: int) -> bytes:
        return struct.pack(self.order + code, *values)

    def unpack(self, code: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(self.order + code, data)

    @property
    def offset(self) -> str:
        return "Q" if self.big else "I"

    @property
    def count(self) -> str:
        return "Q" if self.big else "H"

    @property
    def entry_size(self) -> int:
        return 20 if self.big else 12


@dataclass(frozen=True)
class Tag:
    """One tag. `data` is little-endian whatever the file was; `at` is where its value (or offset) lies in the file."""

    kind: int
    count: int
    data: bytes
    at: int = 0

    @property
    def number(self) -> int:
        """The first value, for tags that hold whole numbers."""
        return int.from_bytes(self.data[: _SIZES[self.kind]], "little")


Directory = dict[int, Tag]


def text(value: bytes) -> Tag:
    return Tag(ASCII, len(value), value)


def numbers(kind: int, *values: int) -> Tag:
    word = {BYTE: "B", SHORT: "H", LONG: "I", LONG8: "Q"}[kind]
    return Tag(kind, len(values), struct.pack(f"<{len(values)}{word}", *values))


def read_header(read: Read) -> tuple[Layout, int]:
    """The layout of a TIFF file and where its first directory is."""
    order = {b"II": "<", b"MM": ">"}.get(read(0, 2))
    if order is None:
        raise ValueError("no TIFF header")
    (magic,) = struct.unpack(order + "H", read(2, 2))
    if magic not in (42, 43):
        raise ValueError("no TIFF header")
    layout = Layout(order, magic == 43)
    (first,) = layout.unpack(layout.offset, read(8, 8) if layout.big else read(4, 4))
    return layout, first


def read_directory(read: Read, layout: Layout, at: int) -> tuple[Directory, int, int]:
    """The directory at an offset, the offset where its link to the next one is kept, and that link (0: none)."""
    count_size = struct.calcsize(layout.order + layout.count)
    (count,) = layout.unpack(layout.count, read(at, count_size))
    if count > 4096:
        raise ValueError("a directory of absurd length")
    directory: Directory = {}
    body = read(at + count_size, count * layout.entry_size)
    for index in range(count):
        start = index * layout.entry_size
        entry = body[start : start + layout.entry_size]
        tag = _read_tag(read, layout, entry, at + count_size + start)
        if tag is not None:
            directory[layout.unpack("H", entry[:2])[0]] = tag
    link_at = at + count_size + len(body)
    link_size = struct.calcsize(layout.order + layout.offset)
    return directory, link_at, layout.unpack(layout.offset, read(link_at, link_size))[0]


def _read_tag(read: Read, layout: Layout, entry: bytes, at: int) -> Tag | None:
    kind, count = layout.unpack("H" + layout.offset, entry[2 : 12 if layout.big else 8])
    size = _SIZES.get(kind, 0) * count
    if not 0 < size <= _LARGEST_VALUE:
        return None
    value = entry[12:] if layout.big else entry[8:]
    value_at = at + len(entry) - len(value)
    if size > len(value):
        (value_at,) = layout.unpack(layout.offset, value)
        value = read(value_at, size)
    return Tag(kind, count, _swapped(value[:size], kind, layout.order), value_at)


def pack_directory(directory: Directory, layout: Layout, at: int) -> bytes:
    """The bytes of a directory that will lie at offset `at`, its longer values behind it; it links to no other."""
    slot = 8 if layout.big else 4
    head = len(layout.pack(layout.count, 0)) + len(directory) * layout.entry_size + slot
    entries, values = [layout.pack(layout.count, len(directory))], b""
    for tag, value in sorted(directory.items()):
        data = _swapped(value.data, value.kind, layout.order)
        if len(data) > slot:
            data, values = layout.pack(layout.offset, at + head + len(values)), values + data + b"\0" * (len(data) % 2)
        entries.append(layout.pack("HH" + layout.offset, tag, value.kind, value.count) + data.ljust(slot, b"\0"))
    return b"".join([*entries, b"\0" * slot, values])


def _swapped(data: bytes, kind: int, order: str) -> bytes:
    """Between little-endian and the byte order named, which is its own inverse."""
    word = _WORDS[kind]
    if order == "<" or word == 1:
        return data
    return np.frombuffer(data, f">u{word}").astype(f"<u{word}").tobytes()
