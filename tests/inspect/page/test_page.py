"""The page: whole, self-contained, well-formed, and true to the dataclasses it is made from."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from pellucid.card import Card
from pellucid.graph import Node
from pellucid.inspect.inspection import dead_leaves, inspect
from tests.inspect.nets import chain, network, noise

pytest.importorskip("matplotlib")

from pellucid.inspect.page import page  # noqa: E402

VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Refuses tags that do not close in order; gathers links and captions."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.figures, self.captions = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href")]
        self.figures += tag == "figure"
        self.captions += tag == "figcaption"

    def handle_startendtag(self, tag, attributes):
        self.links += [value for key, value in attributes if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(text):
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def classifier():
    nodes = [
        Node("a", "conv", attributes={"stride": 4}),
        Node("b", "relu", ("a",)),
        Node("c", "flatten", ("b",)),
        Node("d", "linear", ("c",)),
    ]
    random = np.random.default_rng(0)
    weights = {"a.weight": random.normal(size=(8, 3, 5, 5)), "d.weight": random.normal(size=(10, 8 * 7 * 7))}
    return network(nodes, weights, 3, size=(32, 32))


NETS = {"grey": lambda: network(*chain()), "colour": lambda: network(*chain(channels=3), 3), "classifier": classifier}


@pytest.mark.parametrize("name", NETS)
def test_the_page_holds_all_it_shows_and_every_figure_has_a_caption(name):
    net = NETS[name]()
    text = page(inspect(net, noise(50, 60, 3)))
    reader = read(text)
    assert reader.figures == reader.captions >= 5
    outside = {link for link in reader.links if not link.startswith("data:image/png;base64,")}
    assert reader.links and outside <= {"#graph"}  # the drawing, used again within the page
    assert not re.search(r"https?://|<script|@import|url\((?!#)", text)
    for layer in net.layers:
        assert f">{layer}<" in text


def test_sickness_stands_in_the_verdict_and_names_are_escaped():
    nodes, weights = chain()
    weights["conv1.bias"] = np.full(6, -99)
    net = network(nodes, weights)
    net.name = "<b>&"
    seen = inspect(net)
    assert seen.verdict[0].good is False
    text = page(seen)
    assert seen.verdict[0].sentence in text and "&lt;b&gt;&amp;" in text and "<b>&" not in text
    read(text)


def test_a_spent_budget_leaves_views_out_and_says_so():
    seen = inspect(network(*chain()), noise(), budget=0)
    assert seen.filters is None and not seen.activity
    assert "the budget of 0 s was spent" in page(seen)


def test_no_view_begins_after_the_budget(monkeypatch):
    from pellucid.inspect import inspection

    clock = iter(range(0, 10_000, 10))  # between two looks at the clock lie ten seconds
    monkeypatch.setattr(inspection.time, "monotonic", lambda: next(clock))
    begun = []
    seen = inspect(network(*chain()), noise(), budget=25, progress=lambda done, of, name: begun.append(name))
    late = ["filters", "equivariance", "time", "pruned copies"]
    assert begun == ["activations", "precision", *late, ""] and list(seen.left_out) == late
    assert seen.verdict and seen.precision and seen.filters is None
    assert f"Left out: {', '.join(late)}, because the budget of 25 s was spent." in page(seen)


def test_the_drawn_picture_is_always_the_same_and_looks_like_a_photograph():
    from pellucid.inspect import statistics_of

    assert np.array_equal(dead_leaves(), dead_leaves())
    found = statistics_of([dead_leaves(seed=i) for i in range(3)])
    assert 1.5 < found.exponent < 3.2


def test_a_uniform_picture_says_nothing_of_the_units():
    verdict = inspect(network(*chain()), np.full((20, 30), 0.5, np.float32)).verdict
    assert [finding.good for finding in verdict] == [None] and "same all over" in verdict[0].sentence


def test_shifts_are_drawn_where_they_are_more_than_rounding():
    exact, strided = page(inspect(network(*chain()))), page(inspect(classifier()))
    assert "all shifts of up to 8 pixels are as exact" in exact and "shift in pixels" not in exact
    assert "shift in pixels" in strided


def test_the_pages_times_and_copies_are_those_measured():
    seen = inspect(network(*chain(channels=3), 3), noise(50, 60, 3))
    text = page(seen)
    for layer in seen.times.seconds:
        assert f"{seen.times.share(layer):.1%}" in text
    for copy in seen.prunings:
        assert f"<td>{copy.share:.0%} pruned</td><td>{copy.largest:.2g}</td>" in text


ALWAYS = ("Verdict", "The answer", "Graph", "Layers", "Receptive field", "Filters", "Activations")
LAST = ("Shifts and bending", "float32, bfloat16 and pruned")


@pytest.mark.parametrize(
    ("task", "channels", "last", "said"),
    [
        ("superres", 1, 9, "Its answer, 180 x 150 pixels"),
        ("denoise", 2, 1, "with noise of 25 grey levels"),
        ("segment", 3, 4, "the share of the pixels that each takes"),
    ],
)
def test_every_kind_of_model_has_its_sections_and_its_answer_is_shown(task, channels, last, said):
    net = answering(task, channels, last)
    text = page(inspect(net, noise(50, 60, 3)))
    read(text)
    assert re.findall("<h2>(.*?)</h2>", text) == [*ALWAYS, *LAST]
    assert said in text and ("same class" in text) == (task == "segment")


def answering(task, channels, last):
    nodes, weights = chain(channels=channels)
    weights["last.weight"] = np.random.default_rng(3).normal(size=(last, 6, 3, 3))
    if task == "superres":
        nodes.append(Node("larger", "pixel_shuffle", ("last",), {"factor": 3}))
    net = network(nodes, weights, channels)
    net.card = Card(task=task, classes=("sky", "road", "tree", "car") if task == "segment" else ())
    return net


def test_a_classifiers_likeliest_classes_are_named_with_their_softmax():
    net = classifier()
    net.card = Card(task="classify", classes=tuple(f"class {i}" for i in range(10)))
    seen = inspect(net, noise(50, 60, 3))
    answer = seen.precision.answer[0, 0].astype(float)
    likely = np.exp(answer) / np.exp(answer).sum()
    best = int(likely.argmax())
    first = page(seen).split("how likely</th>")[1].split("</tr>")[1]
    assert f"class {best}</td>" in first and f"{likely[best]:.1%}" in first


def test_a_denoiser_is_shown_noise_and_what_it_took_away_is_seen():
    clean = np.full((64, 64, 1), 0.5, np.float32)
    found = inspect(answering("denoise", 2, 1), clean).picture
    assert found.std() == pytest.approx(25 / 255, rel=0.05) and not inspect(network(*chain()), clean).picture.std()


def test_a_tall_graph_is_cut_into_slices_that_hold_it_all():
    text = page(inspect(network(*chain(depth=30, units=2)), noise(20, 20)))
    boxes = [tuple(map(int, box.split())) for box in re.findall(r'<svg class="graph" viewBox="([^"]*)"', text)]
    assert [box[1] for box in boxes[1:]] == [y + h for _, y, _, h in boxes[:-1]] and len(boxes) == 3
    assert text.count('href="#graph"') == 2 and text.count('id="graph"') == 1
