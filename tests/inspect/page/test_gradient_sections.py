"""The page's parts that need gradients: they show what is given, and their absence is said."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pellucid.inspect.gradient_views import Attribution, EffectiveField, Flow, GradientViews, Pattern  # noqa: E402
from pellucid.inspect.inspection import inspect  # noqa: E402
from pellucid.inspect.page import page  # noqa: E402
from pellucid.inspect.page.gradient_sections import _marked  # noqa: E402
from tests.inspect.nets import chain, network, noise  # noqa: E402
from tests.inspect.page.test_page import read  # noqa: E402


def flow(*sizes):
    return [Flow(f"conv{i}", 1.0, size, size) for i, size in enumerate(sizes)]


def test_without_gradients_the_page_says_what_it_lacks_and_with_them_it_shows_them():
    seen = inspect(network(*chain()), noise())
    bare = page(seen)
    assert "need torch" in bare and "Gradients through depth</h2>" not in bare
    weight = np.zeros((32, 32))
    weight[10, 12], weight[11, 12] = 0.5, -0.2
    found = GradientViews(
        flow(1e-9, 1e-3, 1.0),
        flow(1.0, 1.0, 1.0),
        EffectiveField(np.full((9, 9), 1 / 81), (1.25, 2.5), (0, 8, 0, 8)),
        Attribution(weight, (10, 12), (10, 12), 0.75, 0.45, 4.0, 0.02),
        [Pattern("relu2", 4, np.random.default_rng(0).random((16, 16, 1)), 0.125, 3.5)],
        {"a view": "it <failed>"},
    )
    text = page(seen, found)
    reader = read(text)
    assert reader.figures == reader.captions and "need torch" not in text
    assert "Gradients vanish" in text and "2.5 pixels across and 1.2 down" in text
    assert "between 0.750 and 0.450" in text and "4: 0.12 to 3.5" in text
    assert "a view, because it &lt;failed&gt;" in text


def test_the_pixel_asked_about_is_framed_and_left_as_it_is():
    marked = _marked(np.full((9, 9, 1), 0.5, np.float32), (4, 0))
    assert marked[4, 0].tolist() == [128, 128, 128] and marked[3, 0].tolist() == [255, 212, 0]
    assert marked[8, 8].tolist() == [128, 128, 128]
