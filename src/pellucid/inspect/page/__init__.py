"""An inspection as one page of HTML: opens offline, reads on a phone, on paper, by light and by dark.

    pictures        arrays as PNGs inside the page, colour maps
    charts          line charts in SVG
    graph_drawing   the graph in SVG
    document        the frame of every page, and how it becomes a file
    sections        the parts of the page with their captions; gradient_sections, folder_sections: those that
                    need gradients, or a folder of pictures
    comparison_page two models side by side
    landscape_picture, landscape_page   the paths of optimisers, as a picture and as an animation

Pictures are inside the page, there is no script, and nothing is fetched. It needs matplotlib for its colour maps.
"""

from __future__ import annotations

from pellucid.inspect.folder_views import FolderViews
from pellucid.inspect.gradient_views import GradientViews, flow_verdict
from pellucid.inspect.inspection import Inspection
from pellucid.inspect.page import folder_sections, gradient_sections, sections
from pellucid.inspect.page.document import document, save

__all__ = ["page", "save"]


def page(seen: Inspection, gradients: GradientViews | None = None, folder: FolderViews | None = None) -> str:
    """The whole page as text; without gradients it says what it lacks."""
    g, of_folder = gradients or GradientViews(), folder or FolderViews()
    fields = sections.receptive_fields(seen) + gradient_sections.effective_view(seen, g.effective)
    findings = seen.verdict + ([flow_verdict(g.flow)] if g.flow else [])
    parts = {
        "Verdict": sections.verdict_list(findings) if seen.verdict else "",
        "The answer": sections.answer_view(seen),
        "Graph": sections.graph_drawing(seen),
        "Layers": sections.layer_table(seen),
        "Receptive field": f'<div class="pair">{fields}</div>' if fields else "",
        "Which pixels made this one": gradient_sections.attribution_view(seen, g.attribution),
        "Filters": sections.filter_views(seen),
        "Activations": sections.activity_views(seen),
        "What excites units": gradient_sections.pattern_views(g.by_layer()),
        "The strongest regions of the pictures": folder_sections.region_views(of_folder),
        "The pictures as the network sorts them": folder_sections.embedding_views(of_folder),
        "Gradients through depth": gradient_sections.flow_view(g),
        "Shifts and bending": sections.shift_views(seen),
        "float32, bfloat16 and pruned": sections.precision_view(seen),
    }
    parts["The pictures themselves"] = folder_sections.statistics_view(of_folder.statistics)
    body = "".join(f"<section><h2>{heading}</h2>{content}</section>" for heading, content in parts.items() if content)
    absent = "" if gradients else f'<p class="quiet">{sections.WITHOUT_TORCH}</p>'
    return document(seen.name, sections.summary(seen, g.left_out | of_folder.left_out) + absent + body)
