"""`pellucid segment IN... -o OUT`: what is where in pictures, laid over them in colours, with a legend [D14]."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import click

from pellucid.cli.columns import columns
from pellucid.cli.options import Asked, batch_options, pictures_in_and_out

if TYPE_CHECKING:
    from pellucid.cli.many_files import Advanced
    from pellucid.tasks.segment import Found, Segmented


@click.command()
@pictures_in_and_out
@click.option("--model", default="streets", show_default=True, metavar="NAME|FILE", help="Which model.")
@click.option("--opacity", type=float, default=0.5, show_default=True, help="How much of a class's colour, 0 to 1.")
@click.option(
    "--side", type=int, default=360, show_default=True, help="The model sees the shorter side with at most this."
)
@click.option("--legend/--no-legend", default=True, show_default=True, help="Names and shares below the picture.")
@click.option("--labels", is_flag=True, help="Write the classes' numbers instead, as a grey picture of 8 bits.")
@click.option("--json", "as_json", is_flag=True, help="Print shares and probabilities as JSON.")
@batch_options
def command(
    asked: Asked,
    model: str,
    opacity: float,
    side: int,
    legend: bool,
    labels: bool,
    as_json: bool,
) -> int:
    """Give every pixel of pictures a class: by default what is seen from a car, such as road, car, tree.

    The classes are laid over the picture; how much of it each has is printed, with the mean probability where it was
    named. Files that exist already are left as they are and count as done; --overwrite makes them anew.
    """
    import pellucid
    from pellucid.cli.many_files import run_many
    from pellucid.tasks.rows import again
    from pellucid.tasks.segment import Look, classes_of, segment_file

    network = pellucid.load(model)
    classes_of(network)  # refuses models for other tasks
    look = Look(opacity, legend, labels, side)
    options = asked.options()
    found: dict[str, Summary] = {}

    def work(source: str | BinaryIO, target: str | BinaryIO, advanced: Advanced) -> list[str]:
        with again(source) as opened:
            segmented, notes = segment_file(network, opened, target, options, look, advanced)
        found[source if isinstance(source, str) else "-"] = summary_of(segmented)
        return notes

    code = run_many(asked, work, note=f"{network.name}, {network.precision_in_words(asked.precision)}")
    if found:
        words = _json(found) if as_json else _table(found)
        click.echo(words, err=asked.output == "-")  # standard output has the picture
    return code


@dataclass(frozen=True)
class Summary:
    """What is said of one picture. Its probabilities are let go: those of a long batch would fill the memory."""

    size: tuple[int, int]
    seen_at: tuple[int, int]
    classes: dict[str, Found]


def summary_of(segmented: Segmented) -> Summary:
    h, w, _ = segmented.probabilities.shape
    return Summary(segmented.size, (h, w), segmented.found())


def _json(found: dict[str, Summary]) -> str:
    pictures = [
        {
            "file": source,
            "size": list(summary.size),
            "seen_at": list(summary.seen_at),
            "classes": {
                name: {"number": number, "share": one.share, "probability": one.probability}
                for number, (name, one) in enumerate(summary.classes.items())
            },
        }
        for source, summary in sorted(found.items())
    ]
    return json.dumps(pictures, indent=2)


def _table(found: dict[str, Summary]) -> str:
    """A block for each picture, the largest class first."""
    rows = []
    for source, summary in sorted(found.items()):
        there = sorted((item for item in summary.classes.items() if item[1].share), key=lambda item: -item[1].share)
        rows += [
            (source if i == 0 else "", name, f"{one.share:.1%}", f"{one.probability:.1%}")
            for i, (name, one) in enumerate(there)
        ]
    return "\n".join(columns(("file", "class", "share", "probability"), rows, right=range(2, 4)))
