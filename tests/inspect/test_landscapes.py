"""Landscapes: gradients against differences, goals where they should be, and paths of known length."""

import math

import numpy as np
import pytest

from pellucid.inspect.landscapes import LANDSCAPES, OPTIMISERS, best_path, walk

BY_NAME = {landscape.name: landscape for landscape in LANDSCAPES}


@pytest.mark.parametrize("name", BY_NAME)
def test_gradients_are_those_of_the_values(name):
    landscape, h = BY_NAME[name], 1e-6
    for x, y in np.random.default_rng(0).uniform(-1.5, 1.5, (20, 2)):
        f = landscape.value
        numeric = (f(x + h, y) - f(x - h, y)) / (2 * h), (f(x, y + h) - f(x, y - h)) / (2 * h)
        np.testing.assert_allclose(landscape.gradient(x, y), numeric, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "lowest", "value"),
    [("valley", (0, 0), 0), ("Rosenbrock", (1, 1), 0), ("Beale", (3, 0.5), 0), ("saddle", (0, 1), -0.25)],
)
def test_minima_are_where_the_literature_has_them(name, lowest, value):
    landscape = BY_NAME[name]
    assert landscape.value(*lowest) == pytest.approx(value) and value < landscape.goal < landscape.value(
        *landscape.start
    )
    np.testing.assert_allclose(landscape.gradient(*lowest), 0, atol=1e-12)


def test_gradient_descent_on_a_quadratic_takes_the_steps_that_its_formula_says():
    path = walk(BY_NAME["valley"], "gradient descent", 0.03)
    # x shrinks by 0.97 and y by 0.1 a step: 16 / 2 * 0.97^(2 k) reaches 1e-3 at
    assert path.arrived == math.ceil(math.log(1e-3 / 8) / (2 * math.log(0.97)))
    np.testing.assert_allclose(path.points[3], [-4 * 0.97**3, 0.1**3], rtol=1e-9)


def test_too_high_a_rate_runs_away_and_is_not_chosen():
    away = walk(BY_NAME["valley"], "gradient descent", 1.0)
    assert away.arrived is None and len(away.points) < 20
    best = best_path(BY_NAME["valley"], "gradient descent", 200)
    assert best.arrived is not None and best.rate < 2 / 30


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_goes_down(optimiser):
    valley = BY_NAME["valley"]
    path = best_path(valley, optimiser, 120)
    assert valley.value(*path.points[-1]) < 0.5 * valley.value(
        *valley.start
    )  # Adadelta starts slowly: it has no rate to speak of


def test_the_picture():
    pytest.importorskip("matplotlib")
    from pellucid.inspect.page.landscape_picture import landscape_picture

    paths = [walk(landscape, name, 0.01, 20) for landscape in LANDSCAPES for name in OPTIMISERS]
    assert landscape_picture(paths).startswith(b"\x89PNG") and landscape_picture(paths[1:]) != landscape_picture(paths)


def test_the_animation_walks_by_one_clock_and_waits_at_the_goal():
    pytest.importorskip("matplotlib")
    from pellucid.inspect.page.landscape_page import FRAMES, HEIGHT, WIDTH, landscape_page
    from tests.inspect.page.test_page import read

    slow = walk(BY_NAME["valley"], "gradient descent", 0.01, 400)
    fast = walk(BY_NAME["valley"], "gradient descent", 0.03, 400)
    assert slow.arrived is None and fast.arrived < 300
    text = landscape_page([slow, fast])
    assert "<script" not in text and "runs over 400 steps" in text
    read(text)
    moves = [values.split('"')[0].split(";") for values in text.split('values="')[1:]]
    assert len(moves) == 4 and {len(values) for values in moves} == {FRAMES}
    x0, x1, y0, y1 = BY_NAME["valley"].window
    assert moves[0][0] == moves[2][0] == f"{(-4 - x0) / (x1 - x0) * WIDTH:.1f}"
    assert moves[1][0] == f"{(y1 - 1) / (y1 - y0) * HEIGHT:.1f}"
    arrived = round(fast.arrived / 400 * FRAMES) + 1
    assert len(set(moves[2][arrived:])) == 1 < len(set(moves[0][arrived:]))
