"""An inspection as one page of HTML: opens offline, reads on a phone, on paper, by light and by dark.

    pictures        arrays as PNGs inside the page, colour maps
    charts          line charts in SVG
    graph_drawing   the graph in SVG
    sections        the parts of the page with their captions

Pictures are inside the page, there is no script, and nothing is fetched. It needs matplotlib for its colour maps.
"""

from __future__ import annotations

import html
from importlib.resources import files

from pellucid.inspect.inspection import Inspection
from pellucid.inspect.page import sections


def page(seen: Inspection) -> str:
    """The whole page as text."""
    parts = {
        "Verdict": sections.verdict_list(seen) if seen.verdict else "",
        "Graph": sections.graph_drawing(seen),
        "Layers": sections.layer_table(seen),
        "Receptive field": sections.receptive_fields(seen),
        "Filters": sections.filter_views(seen),
        "Activations": sections.activity_views(seen),
        "Shifts and bending": sections.shift_views(seen),
        "float32 and bfloat16": sections.precision_view(seen),
    }
    name = html.escape(seen.name)
    body = "".join(f"<section><h2>{heading}</h2>{content}</section>" for heading, content in parts.items() if content)
    style = files("pellucid.inspect.page").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}, seen inside</title><style>{style}</style></head><body><main><h1>{name}</h1>"
        f"{sections.summary(seen)}{body}</main></body></html>\n"
    )
