"""An inspection as one page of HTML: opens offline, reads on a phone, on paper, by light and by dark.

    pictures        arrays as PNGs inside the page, colour maps
    charts          line charts in SVG
    graph_drawing   the graph in SVG
    document        the frame of every page, and how it becomes a file
    sections        the parts of the page with their captions
    comparison_page two models side by side
    landscape_picture   the paths of optimisers, as a picture

Pictures are inside the page, there is no script, and nothing is fetched. It needs matplotlib for its colour maps.
"""

from __future__ import annotations

from pellucid.inspect.inspection import Inspection
from pellucid.inspect.page import sections
from pellucid.inspect.page.document import document, save

__all__ = ["page", "save"]


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
    body = "".join(f"<section><h2>{heading}</h2>{content}</section>" for heading, content in parts.items() if content)
    return document(seen.name, sections.summary(seen) + body)
