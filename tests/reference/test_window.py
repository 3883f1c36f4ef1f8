"""The sliding window: its sizes are the documents' formula, and every tap lies where it says."""

from itertools import product

import numpy as np

from pellucid.reference.window import window


def test_sizes_are_the_number_of_places_where_the_window_fits() -> None:
    """Counted by sliding, for every small combination."""
    for length, k, s, p, d in product(range(1, 9), range(1, 4), range(1, 4), range(3), range(1, 3)):
        places = len(range(0, length + 2 * p - d * (k - 1), s))
        if places:
            assert window((k,), s, p, d).output_size((length,)) == (places,)


def test_rounded_up_sizes_reach_the_end() -> None:
    """Every sample lies under some window, if windows are as wide as their stride; none begins beyond the end."""
    for length, k, p in product(range(2, 12), range(2, 5), range(2)):
        slide = window((k,), k, p, ceil_mode=True)
        (count,) = slide.output_size((length,))
        assert (count - 1) * k < length + p
        assert count * k - p >= length


def test_taps_show_the_samples_under_the_window() -> None:
    slide = window((2, 3), (1, 2), 1, (2, 1))
    x = np.arange(30.0).reshape(1, 5, 6, 1)
    padded, output = slide.pad(x), slide.output_size((5, 6))
    for (ky, kx), samples in slide.taps(output):
        for i, j in np.ndindex(*output):
            y, column = i + 2 * ky - 1, 2 * j + kx - 1
            inside = 0 <= y < 5 and 0 <= column < 6
            assert padded[samples][0, i, j, 0] == (x[0, y, column, 0] if inside else 0)
    np.testing.assert_array_equal(slide.unpad(padded, (5, 6)), x)
