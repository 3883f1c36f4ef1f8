"""`pellucid classify IN...`: what each picture shows, with probabilities [D13]."""

from __future__ import annotations

import json

import click

from pellucid.cli.columns import columns
from pellucid.cli.options import threads_option

SHOWN = 3
"""Classes of each picture in the table; JSON has all."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="IN...")
@click.option("--model", default="digits", show_default=True, metavar="NAME|FILE", help="Which model.")
@click.option("--invert", is_flag=True, help="For dark on light, where the model expects light on dark.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all probabilities.")
@threads_option
def command(sources: tuple[str, ...], model: str, invert: bool, as_json: bool, threads: int | None) -> int:
    """Name what pictures show: a digit each, by default, white on black.

    Pictures of any size are squared up with black and scaled to the network's size; colours become grey where it sees
    grey. One that cannot be read is a line of its own, and the others go on.
    """
    import pellucid
    from pellucid import picture
    from pellucid.errors import PellucidError
    from pellucid.tasks.classify import Classified, classify

    network = pellucid.load(model)
    named: dict[str, Classified] = {}
    failed = 0
    for source in sources:
        try:
            named[source] = classify(network, picture.read(source), invert=invert, threads=threads)
        except PellucidError as error:
            if len(sources) == 1:
                raise
            click.echo(f"pellucid: {error}", err=True)
            failed += 1
    if as_json:
        click.echo(json.dumps([_as_json(source, found) for source, found in named.items()], indent=2))
    elif named:
        _show(named)
        h, w = network.graph.size or (0, 0)
        click.echo(f"{network.name}, float32; pictures were scaled to {w} x {h}; {network.card.purpose}", err=True)
    return 1 if failed else 0


def _as_json(source: str, found) -> dict[str, object]:
    return {
        "file": source,
        "class": found.name,
        "probabilities": found.probabilities,
        "scaled_from": list(found.size),
    }


def _show(named) -> None:
    rows = []
    for source, found in named.items():
        best = list(found.probabilities.items())[:SHOWN]
        cells = [f"{name} {probability:.1%}" for name, probability in best]
        rows.append((source, "{1} x {0}".format(*found.size), *cells, *[""] * (SHOWN - len(cells))))
    click.echo("\n".join(columns(("file", "size", "class", "else", "or"), rows)))
