"""`pellucid compare A B --data DIR|PICTURE`: two models on the same pictures, side by side, with the figures."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.cli.columns import columns
from pellucid.errors import UsageError


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--data", required=True, metavar="DIR|FILE", help="A picture, or a folder of pictures.")
@click.option(
    "--scale", type=click.IntRange(min=2), help="Make the pictures smaller first; compare with the originals."
)
@click.option("--sigma", type=click.FloatRange(0, 255, min_open=True), help="Add noise first, in grey levels of 255.")
@click.option("-o", "--output", metavar="FILE", help="Write a page that shows where the answers differ most.")
@click.option("--overwrite", is_flag=True, help="Replace a page that exists.")
def command(
    a: str, b: str, data: str, scale: int | None, sigma: float | None, output: str | None, overwrite: bool
) -> None:
    """Compare the models A and B (names or files) on the same pictures.

    With --scale or --sigma both are also measured against the originals: PSNR and SSIM, on luma for --scale, on 8-bit
    colours for --sigma. Without, both see the pictures as they are.
    """
    import pellucid
    from pellucid.evaluate import pictures_in
    from pellucid.inspect.comparison import compare, figures, headings_of
    from pellucid.picture import read

    if output and os.path.exists(output) and not overwrite:
        raise UsageError("the page exists already", seen=output, hint="--overwrite replaces it")
    first, second = pellucid.load(a), pellucid.load(b)
    names = (first.name, second.name) if first.name != second.name else (a, b)
    paths = pictures_in(data) if os.path.isdir(data) else [Path(data)]
    found = []
    shown = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(paths))
        for path in paths:
            bar.update(task, description=path.name)
            found.append(compare(first, second, path.name, read(path).pixels, scale, sigma))
            bar.advance(task)
    headings = headings_of(*names, found)
    click.echo("\n".join(columns(headings, figures(found), right=range(1, len(headings)))))
    if output:
        from pellucid.inspect.page import save
        from pellucid.inspect.page.comparison_page import comparison_page

        save(output, comparison_page(*names, found, protocol(scale, sigma)))
        click.echo(output)


def protocol(scale: int | None, sigma: float | None) -> str:
    """What the figures depend on, in words."""
    if scale:
        return (
            f"Pictures made {scale} times smaller by MATLAB's bicubic, rounded, and enlarged by each model. PSNR in dB"
            f" and SSIM on the Y channel of 8-bit answers, border of {scale} pixels cut."
        )
    if sigma:
        return (
            f"Gaussian noise of sigma {sigma:g} of 255 added in float, seeded by the picture's name. PSNR in dB and"
            " SSIM over all channels of 8-bit answers."
        )
    return "Both models saw the pictures as they are. PSNR in dB of one 8-bit answer against the other."
