"""`pellucid plan MODEL --size 1920x1080`: how the engine would run a model on a picture of that size [C7]."""

from __future__ import annotations

import json
from typing import Any

import click

from pellucid.cli.columns import columns
from pellucid.cli.options import Size, memory_option, precision_option, threads_option


@click.command()
@click.argument("model", metavar="NAME|FILE")
@click.option("--size", type=Size(), help="Of the picture, width first; 1920x1080, or the one size a model takes.")
@precision_option
@threads_option
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quick", is_flag=True, help="Leave out the expected time, for which the machine is measured.")
def command(
    model: str,
    size: tuple[int, int] | None,
    precision: str,
    threads: int | None,
    memory: int | None,
    as_json: bool,
    quick: bool,
) -> None:
    """Show how the engine would run a model: kernels, rows kept, bytes and operations per layer."""
    import pellucid

    network = pellucid.load(model)
    h, w = size or network.graph.size or (1080, 1920)
    plan = network.plan(h, w, precision=precision, threads=threads, memory=memory)
    if not quick:
        from pellucid import _engine

        plan["expected_seconds"] = expected_seconds(plan, _engine.measure_peaks(), _engine.hardware())
    if as_json:
        click.echo(json.dumps(plan, indent=2))
        return
    click.echo("\n".join([*layers(plan), "", *summary(plan, network.precision_in_words(precision))]))


def expected_seconds(plan: dict[str, Any], peaks: dict[str, float], caches: dict[str, Any]) -> float:
    """The time of direct convolution if every layer ran at a core's peak of float32 arithmetic or, where that takes
    longer, of the memory that its map is written to and read from.

    The rows of a strip are taken to lie in the smallest cache that holds them, maps that are kept whole and what the
    caller gives and gets beyond the caches, and so are the weights of a plan by layers.
    """
    strip = _strip_bytes(plan)
    near = next((level for level in ("l2", "l3") if strip <= caches[f"{level}_bytes"]), "memory")
    seconds = plan["weight_bytes"] / peaks["memory"] if plan["by_layers"] else 0.0
    for node in plan["nodes"]:
        h, w, c = node["shape"]
        row = node["bytes"] / node["rows"] if node["rows"] else 4 * w * c  # no rows: written where the caller wants it
        moved = h * row * (2 if node["rows"] else 1)
        arithmetic = 2 * (node["multiply_adds"] + node["extra_multiply_adds"]) / peaks["flops"]
        seconds += max(arithmetic, moved / peaks["memory" if node["whole"] or not node["rows"] else near])
    return seconds / plan["threads"]


def summary(plan: dict[str, Any], precision: str) -> list[str]:
    """The plan's totals in words. Channels that fill up a vector or a matrix tile are not counted as computed."""
    needed, extra = _sums(plan)
    (h, w, c), (oh, ow, oc) = plan["input"], plan["output"]
    lines = [
        f"input       {w} x {h}, {c} channels; output {ow} x {oh}, {oc} channels; {precision}",
        f"steps       {_steps(plan)}, {_count(plan['threads'], 'thread')}, {_count(plan['passes'], 'pass', 'passes')};"
        f" {'their maps' if plan['by_layers'] else 'the rows of a strip'} take {_strip_bytes(plan) / 1e6:,.1f} MB",
        f"memory      {plan['arena_bytes'] / 1e6:,.1f} MB of rings and maps, {plan['scratch_bytes'] / 1e6:,.1f} MB of"
        f" scratch, {plan['weight_bytes'] / 1e6:,.1f} MB of weights, {plan['spilled_bytes'] / 1e6:,.1f} MB spilled",
        f"operations  {needed / 1e9:,.2f} G multiply-adds, {100 * extra / max(needed, 1):.1f} % more in vain at edges"
        " of tiles and strips",
    ]
    if "expected_seconds" in plan:
        faster = any(node["kernel"].startswith("tiles") for node in plan["nodes"])
        lines.append(
            f"time        {1000 * plan['expected_seconds']:,.0f} ms if every layer ran at the measured peak of float32,"
            f" or of its memory where that takes longer{'; matrix tiles are faster' if faster else ''}"
        )
    return lines


def _steps(plan: dict[str, Any]) -> str:
    if plan["by_layers"]:
        return "one layer after the other, since blocks of rows would read the weights again and again"
    return f"{_count(plan['strips'], 'strip')} of {plan['strip']} columns, blocks of {plan['block']} rows"


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _strip_bytes(plan: dict[str, Any]) -> float:
    """What a step has in hand: its columns of all rows that are kept, but for maps that are kept whole."""
    share = min(1.0, plan["strip"] / plan["input"][1])
    return share * sum(node["bytes"] for node in plan["nodes"] if not node["whole"])


def _sums(plan: dict[str, Any]) -> tuple[float, float]:
    nodes = plan["nodes"]
    return sum(node["multiply_adds"] for node in nodes), sum(node["extra_multiply_adds"] for node in nodes)


def layers(plan: dict[str, Any]) -> list[str]:
    """The table of layers, a line each."""
    headings = ("layer", "operation", "kernel", "pass", "output", "rows kept", "kB", "M multiply-adds")
    rows = []
    for node in plan["nodes"]:
        h, w, c = node["shape"]
        kept = "spilled" if node["spilled"] else "all" if node["whole"] else str(node["rows"])
        counts = f"{node['bytes'] / 1000:,.0f}", f"{node['multiply_adds'] / 1e6:,.1f}"
        rows.append(
            (node["name"], node["operation"], node["kernel"], str(node["pass"]), f"{w} x {h} x {c}", kept, *counts)
        )
    return columns(headings, rows, right=range(3, 8))
