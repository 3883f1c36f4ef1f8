"""`pellucid inspect MODEL -o report.html`: a network looked at from inside, as one page [E1, E2, E5, E9, C7]."""

from __future__ import annotations

import os
import re
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pellucid.errors import UsageError


class Seconds(click.ParamType):
    """A time: 60s, 2m, 90."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|)", str(value))
        if not match:
            self.fail(f"{value!r} is no time; expected for example 60s or 2m", param, ctx)
        return float(match[1]) * (60 if match[2] == "m" else 1)


@click.command()
@click.argument("model", metavar="NAME|FILE")
@click.option("--picture", metavar="FILE", help="What to show the network; a drawn picture unless said.")
@click.option("-o", "--output", metavar="FILE", default="report.html", show_default=True, help="The page.")
@click.option("--budget", type=Seconds(), default="60s", show_default=True, help="After this no further view begins.")
@click.option("--overwrite", is_flag=True, help="Replace a page that exists.")
def command(model: str, picture: str | None, output: str, budget: float, overwrite: bool) -> None:
    """Look inside a model: graph, costs, receptive fields, filters, activations with a verdict, shifts, precision.

    The page holds its pictures, opens offline, and says with every figure how to read it.
    """
    import pellucid
    from pellucid.inspect.inspection import inspect
    from pellucid.inspect.page import page, save
    from pellucid.picture import read

    if os.path.exists(output) and not overwrite:
        raise UsageError("the page exists already", seen=output, hint="--overwrite replaces it")
    network = pellucid.load(model)
    pixels = read(picture).pixels if picture else None
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, name: str) -> None:
            bar.update(task, description=name, completed=done, total=total)

        seen = inspect(network, pixels, budget, progress)
    save(output, page(seen))
    for finding in seen.verdict:
        click.echo(finding.sentence)
    click.echo(output)
