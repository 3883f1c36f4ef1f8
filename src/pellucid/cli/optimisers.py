"""`pellucid optimisers`: the textbook's optimisers on four landscapes, as a table, a picture and an animation [E8]."""

from __future__ import annotations

import os

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.cli.columns import columns
from pellucid.errors import UsageError


@click.command()
@click.option("-o", "--output", metavar="FILE", help="Also draw the paths: .png, or .html to see them move.")
@click.option("--steps", type=click.IntRange(min=1), default=1000, show_default=True, help="At most.")
@click.option("--overwrite", is_flag=True, help="Replace a picture that exists.")
def command(output: str | None, steps: int, overwrite: bool) -> None:
    """Let every optimiser walk down four landscapes, each at the learning rate that serves it best.

    The table tells the steps to a value near the minimum, and the rate, from a grid between 0.0001 and 1.
    """
    from pellucid.inspect.landscapes import LANDSCAPES, OPTIMISERS, race

    if output and os.path.exists(output) and not overwrite:
        raise UsageError("the picture exists already", seen=output, hint="--overwrite replaces it")
    if output:
        import matplotlib  # noqa: F401 - its absence is told before the work, not after
    console = Console(stderr=True)
    shown = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, name: str) -> None:
            bar.update(task, description=name, completed=done, total=total)

        paths = race(steps, progress)
    found = {(path.optimiser, path.landscape): path for path in paths}
    rows = []
    for optimiser in OPTIMISERS:
        row = [optimiser]
        for landscape in LANDSCAPES:
            path = found[optimiser, landscape.name]
            row.append(f"{'-' if path.arrived is None else path.arrived} at {path.rate:.2g}")
        rows.append(row)
    headings = ["steps at rate", *(f"{landscape.name} <= {landscape.goal:g}" for landscape in LANDSCAPES)]
    click.echo("\n".join(columns(headings, rows, right=range(1, 5))))
    if output:
        from pellucid.inspect.page.document import save
        from pellucid.inspect.page.landscape_page import landscape_page
        from pellucid.inspect.page.landscape_picture import landscape_picture

        save(output, landscape_page(paths) if output.endswith((".html", ".htm")) else landscape_picture(paths))
        click.echo(output)
