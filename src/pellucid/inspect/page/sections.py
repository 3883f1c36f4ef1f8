"""The parts of the page, one function each: from the dataclasses of `pellucid.inspect` to HTML, and nothing computed.

Every figure has a caption that says how to read it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.inspect.inspection import Inspection, names_classes
from pellucid.inspect.layer_times import LayerTimes
from pellucid.inspect.learned_filters import Filters, chain
from pellucid.inspect.page.charts import Line, line_chart
from pellucid.inspect.page.graph_drawing import draw_graph
from pellucid.inspect.page.pictures import coloured, data_uri, kernel_tiles, mosaic, reduced
from pellucid.inspect.unit_activity import ACTIVATIONS, Activity, Finding
from pellucid.tasks.segment import colours, softmax

MOST_LAYERS, MOST_MAPS, MAP_SIDE, MOST_FRAMES, MOST_CLASSES = 6, 8, 80, 4, 5
SMALL_MAP = 40
"""Maps up to so many numbers wide are drawn as squares, not smoothed."""
ROUNDING = 1e-4
WITHOUT_TORCH = (
    "Gradients through depth, the effective field, attribution and what excites units need torch"
    " (pip install 'pellucid[learn]') and are left out."
)


def figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{caption}</figcaption></figure>"


def image(picture: object, description: str, kind: str = "") -> str:
    return f'<img class="{kind}" alt="{html.escape(description)}" src="{data_uri(picture)}">'  # type: ignore[arg-type]


def table(headings: list[str], rows: list[list[str]], kind: str = "") -> str:
    """The first column is text, the others numbers unless `kind` says more; it scrolls sideways where it must."""
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def summary(seen: Inspection, also_left_out: Mapping[str, str]) -> str:
    sums, (h, w) = sum(layer.multiply_adds for layer in seen.costs), seen.picture.shape[:2]
    field = seen.fields[-1].size
    facts = {
        "task": seen.card.task,
        "operations": str(len(seen.graph.nodes)),
        "parameters": f"{seen.parameters:,}",
        "multiply-adds": f"{sums / 1e6:,.1f} million at {w} x {h}, {sums / (h * w) / 1e3:,.1f} thousand per pixel",
        "receptive field": "the whole picture" if field is None else f"{field[1]} x {field[0]} pixels",
        "shown": seen.shown,
    }
    if seen.times:
        facts["time"] = f"{1000 * seen.times.whole:,.1f} ms for this picture in float32 on this machine"
    if seen.card.purpose:
        facts = {"for": seen.card.purpose} | facts
    items = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(value)}</dd>" for key, value in facts.items())
    return f"<dl>{items}</dl>{_left_out({**seen.left_out, **also_left_out})}"


def _left_out(reasons: Mapping[str, str]) -> str:
    """One line for each reason."""
    views: dict[str, list[str]] = {}
    for view, reason in reasons.items():
        views.setdefault(reason, []).append(view)
    return "".join(
        f'<p class="quiet">Left out: {html.escape(", ".join(names))}, because {html.escape(reason)}.</p>'
        for reason, names in views.items()
    )


def verdict_list(findings: Sequence[Finding]) -> str:
    marks = {True: ("good", "well"), False: ("bad", "look here"), None: ("plain", "note")}
    ordered = sorted(findings, key=lambda f: f.good is not False)  # what is bad first, else as it was
    items = "".join('<li class="{}"><b>{}</b> {}</li>'.format(*marks[f.good], html.escape(f.sentence)) for f in ordered)
    basis = "Judged by the signs of good training: hidden units that vary, are sparse, and differ from each other."
    doubt = "One picture was shown; a unit that is silent on it may speak on others."
    return f'<ul class="verdict">{items}</ul><p class="quiet">{basis} {doubt}</p>'


def answer_view(seen: Inspection) -> str:
    """The picture beside what the network makes of it."""
    if seen.precision is None:
        return ""
    answer, classes = seen.precision.answer, seen.card.classes
    given = figure(image(seen.picture, "The picture shown", "answer"), "What the network was shown.")
    if names_classes(seen.card) and len(classes) == answer.shape[2]:
        drawn = _most_likely(answer[0, 0], classes) if answer.shape[:2] == (1, 1) else _class_map(answer, classes)
    elif answer.shape[2] in (1, 3) and answer.shape[0] > 1:
        size = f"{answer.shape[1]} x {answer.shape[0]} pixels"
        drawn = figure(image(np.clip(answer, 0, 1), "The answer", "answer"), f"Its answer, {size}.")
    else:
        return ""
    return f'<div class="pair">{given}{drawn}</div>'


def _class_map(answer: np.ndarray, classes: Sequence[str]) -> str:
    labels, swatches = answer.argmax(axis=-1), colours(len(classes))
    shares = np.bincount(labels.reshape(-1), minlength=len(classes)) / labels.size
    names = ", ".join(
        f'<span class="key"><span class="swatch" style="background:rgb({r:.0%} {g:.0%} {b:.0%})"></span>'
        f" {html.escape(classes[i])} {shares[i]:.0%}</span>"
        for i in np.argsort(-shares, kind="stable")
        if shares[i] >= 0.005
        for r, g, b in [swatches[i]]
    )
    caption = f"The class with the largest number at each pixel, and the share of the pixels that each takes: {names}."
    return figure(image(swatches[labels].astype(np.float32), "Classes", "pixels answer"), caption)


def _most_likely(answer: np.ndarray, classes: Sequence[str]) -> str:
    order = np.argsort(-answer, kind="stable")[:MOST_CLASSES]
    likely = softmax(answer.astype(np.float64))
    rows = [[html.escape(classes[i]), _bar(float(likely[i]), 1.0)] for i in order]
    caption = (
        "The classes it finds most likely, by the softmax of its answer. It has to name one of its classes, whatever it"
        " is shown."
    )
    return figure(table(["class", "how likely"], rows, "bars"), caption)


def graph_drawing(seen: Inspection) -> str:
    what = "the time, measured layer by layer on this machine" if seen.times else "the multiply-adds"
    caption = (
        "The network from input (top) to output. A box is a layer with the activation that follows it; below its name"
        f" stand the width, height and channels of its output, and its share of {what}, which colours it."
    )
    return figure(f'<div class="scroll">{draw_graph(seen.graph, seen.costs, _time_shares(seen))}</div>', caption)


def _time_shares(seen: Inspection) -> dict[str, float] | None:
    if seen.times is None:
        return None
    return {layer.layer: seen.times.share(layer.layer) or 0.0 for layer in seen.costs}


def layer_table(seen: Inspection) -> str:
    total = sum(layer.multiply_adds for layer in seen.costs) or 1.0
    shares = _time_shares(seen) or {}
    largest = max(*(layer.multiply_adds / total for layer in seen.costs), *shares.values(), 1e-9)
    rows = []
    for layer, field in zip(seen.costs, seen.fields, strict=True):
        h, w, c = layer.shape
        size = "all" if field.size is None else f"{field.size[1]} x {field.size[0]}"
        cells = [_breakable(layer.layer), layer.operation.replace("_", " "), f"{w} x {h} x {c}", size]
        cells += [f"{layer.parameters:,}" if layer.parameters else "", _few_digits(layer.map_bytes / 1e3)]
        cells.append(_few_digits(layer.multiply_adds / 1e6) if layer.multiply_adds else "")
        cells.append(_bar(layer.multiply_adds / total, largest))
        rows.append(cells + ([_bar(seen.times.share(layer.layer), largest)] if seen.times else []))
    headings = ["layer", "operation", "output", "field", "parameters", "kB", "M multiply-adds", "share of sums"]
    headings += ["share of time"] if seen.times else []
    caption = (
        "Each layer for the picture shown. Field: the input pixels that one number can depend on. kB: its whole output"
        f" as float32 (the engine keeps only rows of it). Sums: the multiply-adds.{_how_timed(seen.times)}"
    )
    return figure(table(headings, rows, "layers timed" if seen.times else "layers"), caption)


def _breakable(name: str) -> str:
    """A name that may go on in the next line after its dots."""
    return html.escape(name).replace(".", ".<wbr>")


def _how_timed(times: LayerTimes | None) -> str:
    if times is None:
        return ""
    slowest = f"; the slowest of a layer's three took {1 + times.spread:.3g} times as long (the median of the layers)"
    return (
        f" Time: each layer run alone, the best of three{slowest if math.isfinite(times.spread) else ''}. A rectifier's"
        " work is done within the layer before it."
    )


def _few_digits(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def _bar(share: float | None, largest: float) -> str:
    """A bar as long as the share is of the largest one, and the share."""
    return f'<span class="bar" style="width:{2 * share / largest:.2f}rem"></span> {share:.1%}' if share else ""


def receptive_fields(seen: Inspection) -> str:
    h, w = seen.picture.shape[:2]
    local = [field for field in {f.size: f for f in seen.fields if f.size not in (None, (1, 1))}.values()]
    chosen = [
        local[i] for i in sorted({round(i) for i in np.linspace(0, len(local) - 1, min(len(local), MOST_FRAMES))})
    ]
    boxes = []
    for field in chosen:
        y, x = (round((n / 2 - float(p.low + p.high) / 2) / float(p.jump)) for n, p in ((h, field.y), (w, field.x)))
        boxes.append(field.box(y, x) or (0, h - 1, 0, w - 1))
    shapes = "".join(
        f'<rect class="field{" last" if i == len(boxes) - 1 else ""}" x="{x0}" y="{y0}" width="{x1 - x0 + 1}"'
        f' height="{y1 - y0 + 1}"/>'
        for i, (y0, y1, x0, x1) in enumerate(boxes)
    )
    whole = any(field.whole for field in seen.fields)
    names = ", ".join(f"<code>{html.escape(f.layer)}</code> {f.size[1]} x {f.size[0]}" for f in chosen if f.size)
    beyond = any(f.size and (f.size[0] > h or f.size[1] > w) for f in chosen)
    drawing = (
        f'<svg class="over" role="img" aria-label="Receptive fields over the picture" viewBox="0 0 {w} {h}">'
        f'<image href="{data_uri(seen.picture)}" width="{w}" height="{h}"/>{shapes}</svg>'
    )
    caption = (
        "Nested frames: the pixels that one number in the middle of a layer's output can depend on, for"
        f" layers from first to last: {names or 'none'}. In practice those in the middle count most."
        + (" Frames larger than the picture are cut by its edges." if beyond else "")
        + (" The last layers depend on the whole picture." if whole else "")
    )
    return figure(drawing, caption)


def filter_views(seen: Inspection) -> str:
    if seen.filters is None:
        return ""
    f = seen.filters
    tiles = kernel_tiles(f.weights[list(f.order)])
    kind = (
        "in colour, grey being zero"
        if f.weights.shape[1] == 3
        else "mid-grey being zero"
        if f.weights.shape[1] == 1
        else "averaged over input channels, mid-grey being zero"
    )
    oc, _, kh, kw = f.weights.shape
    caption = (
        f"The {oc} filters of <code>{html.escape(f.layer)}</code>, {kw} x {kh}, {kind}, each scaled to its own strength"
        f" and ordered so that like stands beside like. {_duplicates(f)}"
    )
    likeness = coloured(np.abs(f.likeness[np.ix_(f.order, f.order)]), "viridis", 0, 1)
    alike = (
        "How alike they are, in the same order: dark is unrelated, bright is the same up to sign and strength. A"
        " trained layer is dark beside its diagonal; bright blocks are filters that repeat each other."
    )
    parts = [figure(image(mosaic(tiles), "Filters", "pixels"), caption)]
    parts.append(figure(image(likeness, "Likeness of filters", "pixels"), alike))
    return f'<div class="pair">{"".join(parts)}</div>{_gabor(f)}'


def _duplicates(f: Filters) -> str:
    pairs = f"Pairs of them that are nearly the same: {len(f.duplicates)}" if f.duplicates else "No two are the same"
    return f"{pairs}; {f'empty ones: {len(f.empty)}' if f.empty else 'none is empty'}."


def _gabor(f: Filters) -> str:
    if f.gabor is None or f.patterns is None:
        return (
            '<p class="quiet">No Gabor functions are fitted: kernels below 5 x 5 have too few numbers to tell a fit'
            " from a coincidence.</p>"
        )
    best = np.argsort([g.error for g in f.gabor])[:8]
    tiles = []
    for picture in [f.patterns[i] for i in best] + [f.gabor[i].picture for i in best]:
        peak = float(np.abs(picture).max()) or 1.0
        tiles.append(coloured(picture, "cividis", -peak, peak))
    errors = ", ".join(f"{f.gabor[i].error:.2f}" for i in best)
    caption = (
        "Above, the filters most like a Gabor function (a wave under a bell), of each the pattern that explains most of"
        f" its channels; below, the functions fitted. Errors, as parts of each filter's strength: {errors}."
        f" The median of all is {np.median([g.error for g in f.gabor]):.2f}; noise gives above 0.5."
    )
    return figure(image(mosaic(tiles, len(best)), "Gabor fits", "pixels strip"), caption)


def activity_views(seen: Inspection) -> str:
    if not seen.activity:
        return ""
    hidden = [a for a in seen.activity[:-1] if a.operation in ACTIVATIONS] or seen.activity
    names = [a.layer for a in hidden]
    variance = line_chart([Line("variance", [a.variance for a in hidden])], "hidden layers", "variance", True, names)
    shares = line_chart(
        [
            Line("zeros", [a.sparsity for a in hidden]),
            Line("dead units", [len(a.dead) / a.units for a in hidden]),
            Line("correlation", [a.correlated for a in hidden]),
        ],
        "hidden layers",
        "share",
        names=names,
    )
    parts = [
        figure(
            variance,
            "Variance of each hidden layer's numbers, in powers of ten. Level is well; a steady fall starves the layers"
            " above of signal, a steady rise ends in overflow.",
        ),
        figure(
            shares,
            "Share of numbers that are zero (some is well: units specialise), of units that ignore the picture (should"
            " be near zero), and the mean correlation between units (should be low).",
        ),
        "<h3>What units see</h3>",
        f'<p class="quiet">Each picture is one unit, from its lowest (dark) to its highest value (bright); of every'
        f" layer those that vary most, at most {MOST_MAPS}.</p>",
        *(_maps(a) for a in _spread(hidden, MOST_LAYERS)),
        _correlation(max(hidden, key=lambda a: a.correlated if math.isfinite(a.correlated) else -1)),
    ]
    return "".join(part for part in parts if part)


def _spread(layers: list[Activity], most: int) -> list[Activity]:
    places = sorted({round(i) for i in np.linspace(0, len(layers) - 1, min(most, len(layers)))})
    return [layers[i] for i in places if layers[i].maps.shape[0] > 1]


def _maps(a: Activity) -> str:
    strongest = np.argsort(-a.maps.reshape(-1, a.units).var(axis=0), kind="stable")[:MOST_MAPS]
    planes = [reduced(a.maps[..., i].astype(np.float64), MAP_SIDE) for i in strongest]
    tiles = [coloured(plane, "viridis") for plane in planes]
    halves = tiles[: MOST_MAPS // 2], tiles[MOST_MAPS // 2 :]
    silent = f"{len(a.dead)} ignore{'s' if len(a.dead) == 1 else ''}" if a.dead else "none ignores"
    caption = (
        f"<code>{html.escape(a.layer)}</code>: {len(tiles)} of {a.units} units; {silent} the picture,"
        f" {a.sparsity:.0%} of the numbers are zero."
    )
    kind, gap = "" if min(planes[0].shape) > SMALL_MAP else "crisp", 1 + planes[0].shape[1] // 25
    pictures = [image(mosaic(half, MOST_MAPS // 2, gap), f"Maps of {a.layer}", kind) for half in halves if half]
    return figure(f'<div class="halves">{"".join(pictures)}</div>', caption)


def _correlation(a: Activity) -> str:
    if len(a.correlation) < 2:
        return ""
    caption = (
        f"Correlation between the {len(a.correlation)} live units of <code>{html.escape(a.layer)}</code>, the most"
        " correlated layer, ordered so that like stands beside like: dark is none, bright is full, of either sign."
        " Bright blocks are units that say the same."
    )
    order = chain(np.abs(a.correlation))
    picture = coloured(np.abs(a.correlation)[np.ix_(order, order)], "viridis", 0, 1)
    return figure(image(picture, f"Correlations in {a.layer}", "pixels small"), caption)


def shift_views(seen: Inspection) -> str:
    if seen.equivariance is None:
        return ""
    e = seen.equivariance
    wished = "move with it" if e.is_map else "stay the same"
    chart = ""
    if max(error for _, error in e.stability) > ROUNDING:  # else there is nothing to draw
        steps = [str(shift) for shift, _ in e.stability]
        chart = line_chart(
            [Line("error", [error for _, error in e.stability])], "shift in pixels", "error", names=steps
        )
    bends = ", ".join(f"{error:.2g} by {pixels:g} pixel{'s' if pixels != 1 else ''}" for pixels, error in e.bending)
    at_stride = (
        f" For a shift by the network's stride ({e.stride} {'pixel' if e.stride == 1 else 'pixels'}) it is"
        f" {e.error:.1g}{', which is rounding' if e.error < ROUNDING else ''}"
        f"{'.' if chart else f'; all shifts of up to {e.stability[-1][0]} pixels are as exact.'}"
    )
    edges = (
        " The picture's edges reach the middle of the answer, so they are in the error too: new pixels come in from the"
        " side."
    )
    caption = (
        f"When the picture moves to the side, the answer should {wished}. Error: how far it does not, as a part of the"
        f" answer's own variation{', away from the edges' if e.is_map and not e.edges else ''}."
        f"{at_stride if e.is_map else ''}{edges if e.edges else ''} When the picture bends smoothly, the error is"
        f" {bends}."
    )
    return figure(chart, caption) if chart else f"<p>{caption}</p>"


def precision_view(seen: Inspection) -> str:
    if seen.precision is None:
        return ""
    p = seen.precision
    psnr = "no difference at all" if math.isinf(p.psnr) else f"{p.psnr:.1f} dB between the two answers"
    if names_classes(seen.card):
        psnr = "the class is the same" + (f" at {p.same_class:.2%} of the pixels" if p.answer.shape[0] > 1 else "")
        psnr = psnr if p.same_class else "the class is another one"
    words = f"The largest difference is {p.largest:.2g} ({p.relative:.2g} of the largest number of the answer); {psnr}."
    if p.difference.shape[0] == 1:
        return f"<p>{words}</p>{_pruning_table(seen)}"
    parts = []
    error = np.abs(p.difference).max(axis=-1)
    caption = f"What bfloat16 changes: dark is nothing, bright is {p.largest:.2g}. {words}"
    parts.append(figure(image(coloured(error, "cividis", 0), "Difference", "answer"), caption))
    if seen.prunings:
        most = seen.prunings[-1]
        caption = (
            f"What a copy without the smallest {most.share:.0%} of the weights changes; bright is {most.largest:.2g}."
        )
        error = np.abs(most.difference).max(axis=-1)
        parts.append(figure(image(coloured(error, "cividis", 0), "Difference", "answer"), caption))
    return f'<div class="pair">{"".join(parts)}</div>{_pruning_table(seen)}'


def _pruning_table(seen: Inspection) -> str:
    if seen.precision is None or not seen.prunings:
        return ""
    of_classes = names_classes(seen.card)
    copies = {"bfloat16": seen.precision} | {f"{p.share:.0%} pruned": p for p in seen.prunings}
    rows = [
        [name, f"{c.largest:.2g}", f"{c.relative:.2g}", f"{c.same_class:.1%}" if of_classes else _decibels(c.psnr)]
        for name, c in copies.items()
    ]
    last = "the share of the places that keep their class" if of_classes else "the PSNR in dB"
    caption = (
        "Copies of the network against its float32 answer to this picture: the largest difference, that as a part of"
        f" the largest number of the answer, and {last}. Pruned: each layer loses this share of its weights, the"
        " smallest ones, without training after: what costs little was hardly used."
    )
    return figure(table(["copy", "largest", "relative", "same class" if of_classes else "PSNR"], rows), caption)


def _decibels(psnr: float) -> str:
    return "the same" if math.isinf(psnr) else f"{psnr:.1f}"
