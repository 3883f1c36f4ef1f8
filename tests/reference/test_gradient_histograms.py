"""Histograms of oriented gradients: an edge votes for its own orientation, in its own cell. [D19]"""

import numpy as np
import pytest

from pellucid.reference.gradient_histograms import cell_histograms, histograms


@pytest.mark.parametrize(("degrees", "place"), [(0, 0), (20, 1), (60, 3), (100, 5), (160, 8), (200, 1)])
def test_a_ramp_votes_for_its_direction(degrees, place):
    y, x = np.mgrid[0:14, 0:14]
    ramp = np.cos(np.radians(degrees)) * x + np.sin(np.radians(degrees)) * y
    cells = cell_histograms(ramp[None], 7, 9)
    assert cells.shape == (1, 2, 2, 9)
    expected = np.zeros(9)
    expected[place] = 49  # gradients have length 1 in every one of 49 pixels
    assert np.allclose(cells, expected, atol=1e-9)


def test_between_two_orientations_the_vote_is_shared():
    y, x = np.mgrid[0:7, 0:7]
    angle = np.radians(30)
    cells = cell_histograms((np.cos(angle) * x + np.sin(angle) * y)[None], 7, 9)
    assert np.allclose(cells[0, 0, 0, :3], [0, 24.5, 24.5])


def test_blocks_do_not_know_contrast_and_their_cells_stand_in_order():
    picture = np.random.default_rng(0).random((1, 21, 21))
    found = histograms(picture)
    assert found.shape == (1, 4, 36)
    assert np.allclose(found, histograms(3 * picture + 1), atol=1e-4)
    assert np.allclose(np.sum(found**2, axis=2), 1, atol=1e-3)
    marked = np.zeros((1, 21, 21))
    marked[0, :7, 7:14] = np.arange(7)  # the cell in row 0, column 1
    blocks = np.abs(histograms(marked)).reshape(2, 2, 2, 2, 9).sum(axis=4)  # block y, block x, cell y, cell x
    assert blocks[0, 0].argmax() == 1 and blocks[0, 1].argmax() == 0
