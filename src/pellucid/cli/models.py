"""`pellucid models`: the models that ship, a line each; with a name or a file, the whole card."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.columns import columns

if TYPE_CHECKING:
    from pellucid.card import Card


@click.command()
@click.argument("model", required=False, metavar="[NAME|FILE]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: str | None, as_json: bool) -> None:
    """List the models that ship, or show the card of one."""
    from pellucid import models

    described = [describe(name) for name in ([model] if model else models.names())]
    if model:
        described[0] |= speed_of(model)
    if as_json:
        click.echo(json.dumps(described[0] if model else described, indent=2, ensure_ascii=False))
    elif model:
        _show_card(described[0])
    elif described:
        _show_table(described)
    else:
        click.echo(f"no models in {models.FOLDER}", err=True)


def describe(name_or_path: str) -> dict[str, Any]:
    """What the list and the card show, as plain values."""
    from pellucid.modelfile import load
    from pellucid.network import locate

    path, name = locate(name_or_path)
    file = load(path)
    return {
        "name": name,
        "parameters": sum(array.size for array in file.weights.values()),
        "operations": len(file.graph.nodes),
        "bytes": path.stat().st_size,
        "psnr": _psnr(file.card),
        "card": file.card.to_json(),
    }


def speed_of(name_or_path: str) -> dict[str, Any]:
    """What a model's speed comes from, whatever the machine, and the command that says what it comes to on this one."""
    import pellucid

    network = pellucid.load(name_or_path)
    h, w = network.graph.size or (1080, 1920)
    return {
        "multiply_adds_per_pixel": network.cost(h, w).multiply_adds / (h * w),
        "planned_by": f"pellucid plan {shlex.quote(name_or_path)} --size {w}x{h}",
    }


def _psnr(card: Card) -> float | None:
    return next((figure.values["psnr"] for figure in card.figures if "psnr" in figure.values), None)


def _show_table(described: list[dict[str, Any]]) -> None:
    rows = []
    for entry in described:
        psnr = "" if entry["psnr"] is None else f"{entry['psnr']:.2f} dB"
        size, purpose = f"{entry['bytes'] / 1000:,.0f} kB", entry["card"].get("purpose", "")
        rows.append((entry["name"], entry["card"]["task"], f"{entry['parameters']:,}", size, psnr, purpose))
    headings = ("name", "task", "parameters", "size", "PSNR", "for")
    click.echo("\n".join(columns(headings, rows, right=(2, 3, 4))))


def _show_card(entry: dict[str, Any]) -> None:
    card = entry["card"]
    lines = {"name": entry["name"], "parameters": f"{entry['parameters']:,}", "size": f"{entry['bytes']:,} bytes"}
    lines["sums"] = f"{entry['multiply_adds_per_pixel']:,.0f} multiply-adds for each pixel it is given"
    lines["time here"] = f"`{entry['planned_by']}` plans it"
    lines |= {key.replace("_", " "): value for key, value in card.items() if key not in ("figures", "repeat")}
    width = max(map(len, lines)) + 2
    for name, value in lines.items():
        click.echo(f"{name:<{width}}{value}")
    if "figures" in card:
        click.echo("\n" + "\n".join(_figures(card["figures"])))
    if "repeat" in card:
        click.echo("\nrepeat with\n" + "".join(f"  {line}\n" for line in card["repeat"].splitlines()), nl=False)


def _figures(figures: list[dict[str, Any]]) -> list[str]:
    """A line for each set of pictures and each thing measured on it, then every protocol once."""
    names = list(dict.fromkeys(_measure(key)[0] for figure in figures for key in figure["values"]))
    rows, protocols = [], list(dict.fromkeys(figure["protocol"] for figure in figures))
    for figure in figures:
        measured: dict[str, dict[str, str]] = {}
        for key, value in figure["values"].items():
            name, what = _measure(key)
            measured.setdefault(what, {})[name] = f"{value:g}"
        for what, values in sorted(measured.items()):  # the model itself, "", comes first
            row = (figure["data"], f"[{protocols.index(figure['protocol']) + 1}]") if not what else ("", "")
            rows.append((*row, what, *(values.get(name, "") for name in names)))
    table = columns(("measured on", "", "", *names), rows, right=range(3, 3 + len(names)))
    return [*table, "", *(f"[{i}] {protocol}" for i, protocol in enumerate(protocols, 1))]


def _measure(key: str) -> tuple[str, str]:
    """ "psnr of bicubic" is the measure "psnr" of something other than the model's result."""
    name, *what = re.split(" (?=of |as )", key, maxsplit=1)
    return name, what[0] if what else ""
