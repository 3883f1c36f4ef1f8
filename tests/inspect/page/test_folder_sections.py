"""The parts of the page that come from a folder: what is planted is drawn, and how to read it is said once."""

import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pellucid.inspect.folder_views import FolderViews  # noqa: E402
from pellucid.inspect.page import folder_sections as module  # noqa: E402
from pellucid.inspect.picture_statistics import Statistics  # noqa: E402
from pellucid.inspect.strongest_regions import Region, UnitRegions  # noqa: E402
from tests.inspect.page.test_page import read  # noqa: E402


def test_pairs_correlation_and_the_law_are_drawn_and_a_planted_law_lies_on_what_was_measured(monkeypatch):
    seen = []
    monkeypatch.setattr(
        module, "coloured", lambda plane, *rest: seen.append(plane) or np.zeros((*plane.shape, 3), np.uint8)
    )
    frequencies = np.linspace(0.02, 0.3, 24)
    same, apart = np.repeat(np.linspace(0.01, 0.99, 500), 2).reshape(-1, 2), np.tile([0.01, 0.99], (500, 1))
    planted = Statistics(3, {1: same, 2: apart}, np.ones(5), frequencies, 7 * frequencies**-2.5, 2.5, 0.125)
    text = module.statistics_view(planted)
    reader = read(text)
    assert reader.figures == reader.captions == 3 and "2.50 (give or take 0.12)" in text and "1, 2 pixels apart" in text
    near, far = seen
    assert near.sum() == np.fliplr(near).diagonal().sum() > 0  # alike: the rising diagonal, and nothing beside it
    assert far[0, 0] > 0 and far.sum() == far[0, 0]  # one dark, the other bright: the upper left corner
    measured, law = re.findall(r'<polyline[^>]* points="([^"]*)"', text)[-2:]
    assert measured == law


def test_how_to_read_the_regions_is_said_once():
    region = Region("a.png", 1.5, (0, 0), np.zeros((3, 3, 3)), np.ones((3, 3, 3)))
    text = module.region_views(FolderViews([UnitRegions("conv1", unit, [region]) for unit in (4, 2)]))
    assert text.count("as large as its receptive field") == text.count("Below, gradients") == 1
    assert "Unit 4, strongest first. Its values: 1.5; in a.png." in text and text.count("<figure>") == 2
    assert not module.region_views(FolderViews())
