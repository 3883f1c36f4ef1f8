"""The page by light, by dark, on paper and on a phone: its rules, and what a browser makes of them where one is."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from importlib.resources import files  # noqa: E402

from pellucid.graph import Node  # noqa: E402
from pellucid.inspect.inspection import inspect  # noqa: E402
from pellucid.inspect.page import page  # noqa: E402
from tests.inspect.nets import chain, network, noise  # noqa: E402

CSS = files("pellucid.inspect.page").joinpath("page.css").read_text(encoding="utf-8")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE, PAPER = 390, 718  # CSS pixels; the paper is A4 with a browser's margins


def colours(rules):
    return dict(re.findall(r"(--[\w-]+): (#\w+)", rules))


def test_every_colour_has_a_value_by_light_by_dark_and_on_paper():
    light, rest = CSS.split("@media (prefers-color-scheme: dark)")
    dark, paper = rest.split("@media print")
    assert set(colours(light)) == set(colours(dark)) == set(colours(paper)) >= {"--ink", "--paper"}
    assert not re.search(r"(?<![-\w])(?:color|background|fill): #", CSS)  # all others come from these


SCRIPT = """
const fits = {};
for (const frame of document.querySelectorAll("iframe")) {
  const inside = frame.contentDocument, root = inside.documentElement;
  const cut = [...inside.querySelectorAll(".wide, .scroll")].filter(e => e.scrollWidth > e.clientWidth);
  const colour = e => frame.contentWindow.getComputedStyle(e);
  const tiny = [...inside.querySelectorAll(".chart text, .graph text")].filter(
    e => parseFloat(colour(e).fontSize) * e.ownerSVGElement.clientWidth / e.ownerSVGElement.viewBox.baseVal.width < 9);
  fits[frame.id] = {width: root.scrollWidth, height: root.scrollHeight, cut: cut.length, tiny: tiny.length,
    paper: colour(inside.body).backgroundColor, ink: colour(inside.body).color};
}
document.getElementById("found").textContent = JSON.stringify(fits);
"""


@pytest.fixture(scope="module")
def report():
    nodes, weights = chain(depth=8, units=8, channels=3)
    around = Node("around", "conv", attributes={"padding": (1, 1, 1, 1)})  # beside the others, so that they are broad
    nodes = [around, *nodes, Node("both", "add", ("last", "around"))]
    weights["around.weight"] = np.ones((1, 3, 3, 3))
    return page(inspect(network(nodes, weights, 3), noise(50, 60, 3)))


def measured(tmp_path, report, *options):
    """What a browser says of the page in frames as wide as a phone and, by the rules for print, as paper."""
    frames = {"phone": (PHONE, report), "paper": (PAPER, report.replace("@media print", "@media all"))}
    body = "".join(
        f'<iframe id="{name}" style="width:{width}px;border:0" srcdoc="{html.escape(text)}"></iframe>'
        for name, (width, text) in frames.items()
    )
    outer = tmp_path / "frames.html"
    script = f"<script>addEventListener('load', () => {{{SCRIPT}}})</script>"
    outer.write_text(f"<!doctype html><body>{body}<p id=found></p>{script}</body>", encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, *options, "--dump-dom", outer.as_uri()], capture_output=True, text=True, timeout=300
    )
    found = re.search(r'id="found">(.*?)</p>', done.stdout)
    assert found, done.stderr
    return json.loads(html.unescape(found[1]))


def brightness(colour):
    return float(np.mean([int(v) for v in re.findall(r"\d+", colour)[:3]]))


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_on_a_phone_or_on_paper_and_ink_stands_out(tmp_path, report, scheme):
    number = {"dark": 0, "light": 1}[scheme]
    found = measured(tmp_path, report, f"--blink-settings=preferredColorScheme={number}")
    phone, paper = found["phone"], found["paper"]
    assert phone["height"] > 1000 and phone["width"] <= PHONE and not phone["tiny"]
    assert paper["width"] <= PAPER and not paper["cut"]
    assert brightness(paper["paper"]) == 255 and brightness(paper["ink"]) == 0
    dark, bright = sorted((brightness(phone["paper"]), brightness(phone["ink"])))
    assert dark < 40 and bright > 200 and (brightness(phone["paper"]) == dark) == (scheme == "dark")
