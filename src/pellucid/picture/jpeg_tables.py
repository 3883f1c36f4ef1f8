"""How coarsely a JPEG file was rounded, by its own quantisation table for brightness.

The table is weighed against the one that the standard prints, which most programs scale by a quality of 1 to 100; of
tables of other makes the quality is the one that rounds as coarsely on the whole. Below 25 steps reach the largest
that a table has room for, and the quality is said a little too high.
"""

from __future__ import annotations

import struct

from pellucid.picture.tags import Read

PRINTED = 3692
"""The sum of the standard's table for brightness, which is quality 50."""
_TABLES, _SCAN, _ALONE = 0xDB, 0xDA, (0x01, *range(0xD0, 0xD8))


def quality_of_jpeg(read: Read) -> int | None:
    """1 to 100; None where the file tells no table."""
    try:
        total = _sum_of_table(read)
    except ValueError:
        return None
    if not total:
        return None
    percent = 100 * total / PRINTED
    return round(max(1.0, (200 - percent) / 2 if percent <= 100 else 5000 / percent))


def _sum_of_table(read: Read) -> int | None:
    """Of the 64 steps of table 0."""
    at = 2
    while True:
        begin, kind = read(at, 2)
        if begin != 0xFF:
            raise ValueError("no marker")
        if kind == 0xFF:  # filling
            at += 1
            continue
        if kind in _ALONE:
            at += 2
            continue
        (size,) = struct.unpack(">H", read(at + 2, 2))
        if kind == _SCAN or size < 2:
            return None
        if kind == _TABLES and (found := _table_0(read(at + 4, size - 2))):
            return found
        at += 2 + size


def _table_0(body: bytes) -> int | None:
    while body:
        wide, number = body[0] >> 4, body[0] & 15
        steps = body[1 : 1 + 64 * (1 + wide)]
        if number == 0 and len(steps) == 64 * (1 + wide):
            return sum(struct.unpack(">64H" if wide else ">64B", steps))
        body = body[1 + len(steps) :]
    return None
