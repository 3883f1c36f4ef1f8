"""The legend under a coloured picture: a swatch, a name and a share for each class, in letters of its own.

Seven rows of five dots make a letter, so that a legend looks the same wherever it is made and needs no fonts. It knows
small Latin letters and digits; anything else is a box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LETTERS = {
    **dict(zip("abcdefgh", ("2054545478", "7f48444438", "3844444420", "384444487f", "3854545418", "087e090102",
                            "0c5252523e", "7f08040478"), strict=True)),
    **dict(zip("ijklmnop", ("00447d4000", "2040443d00", "7f10284400", "00417f4000", "7c04180478", "7c08040478",
                            "3844444438", "7c14141408"), strict=True)),
    **dict(zip("qrstuvwxyz", ("081414187c", "7c08040408", "4854545420", "043f444020", "3c4040207c", "1c2040201c",
                              "3c4030403c", "4428102844", "0c5050503c", "4464544c44"), strict=True)),
    **dict(zip("0123456789", ("3e5149453e", "00427f4000", "4261514946", "2141454b31", "1814127f10", "2745454539",
                              "3c4a494930", "0171090503", "3649494936", "064949291e"), strict=True)),
    " ": "0000000000", "%": "2313086462", "-": "0808080808", ".": "0060600000", "<": "0814224100",
}  # fmt: skip
"""Five columns of eight dots each, the lowest bit at the top."""

BOX = "7f4141417f"
HIGH, GAP = 8, 4
"""Dots from one line of letters to the next, and between entries."""

Entry = tuple[np.ndarray, str]
"""A class's colour (3,) in 0..1, and its words."""


def lettered(words: str) -> np.ndarray:
    """Words as dots. -> (8, 6 n) bool"""
    columns = [int(code[i : i + 2], 16) for w in words.lower() for code in [LETTERS.get(w, BOX) + "00"]
               for i in range(0, 12, 2)]  # fmt: skip
    return (np.array(columns, np.uint8)[None] >> np.arange(HIGH)[:, None]) & 1 > 0


def legend(entries: Sequence[Entry], width: int, dot: int) -> np.ndarray:
    """As many lines as the entries need, dark on white, each dot `dot` pixels wide. -> (h, width, 3) float32"""
    lines: list[list[np.ndarray]] = [[]]
    room = width // dot
    for colour, words in entries:
        entry = _entry(colour, words)
        if lines[-1] and sum(part.shape[1] for part in lines[-1]) + entry.shape[1] > room:
            lines.append([])
        lines[-1].append(entry)
    rows = np.concatenate([_line(line, room) for line in lines]) if entries else np.ones((0, room, 3), np.float32)
    pixels = rows.repeat(dot, axis=0).repeat(dot, axis=1)
    return np.pad(pixels, ((0, 0), (0, width - pixels.shape[1]), (0, 0)), constant_values=1)


def dot_for(h: int, w: int) -> int:
    """How large the dots should be under a picture of this size."""
    return max(1, round(min(h, w) / 270))


def _entry(colour: np.ndarray, words: str) -> np.ndarray:
    """A swatch and its words, with room around. -> (16, w, 3)"""
    dots = lettered(words)
    entry = np.ones((2 * HIGH, GAP + 14 + dots.shape[1] + GAP, 3), np.float32)
    entry[GAP : GAP + HIGH, GAP : GAP + 10] = colour
    entry[GAP : GAP + HIGH, GAP + 14 : -GAP][dots] = 0.1
    return entry


def _line(entries: list[np.ndarray], room: int) -> np.ndarray:
    line = np.concatenate(entries, axis=1)[:, :room]
    return np.pad(line, ((0, 0), (0, room - line.shape[1]), (0, 0)), constant_values=1)
