"""`pellucid dream PICTURE --model M --layer L -o OUT`: what a layer sees in a picture, made visible [E4]."""

from __future__ import annotations

import os

import click

from pellucid.errors import UsageError


@click.command()
@click.argument("picture", metavar="PICTURE")
@click.option("--model", required=True, metavar="NAME|FILE", help="Who dreams: as for `pellucid inspect`.")
@click.option("--layer", metavar="NAME", help="The layer whose answer grows; the middle hidden one unless said.")
@click.option("--unit", type=click.IntRange(min=0), help="One unit of the layer; all unless said.")
@click.option("-o", "--output", required=True, metavar="FILE", help="The picture to write.")
@click.option("--sizes", type=click.IntRange(min=1), default=4, show_default=True, help="Copies, from small to full.")
@click.option("--steps", type=click.IntRange(min=1), default=10, show_default=True, help="At each size.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True), default=0.02, show_default=True, help="Of a step.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the shifts that hide the seams.")
@click.option("--overwrite", is_flag=True, help="Replace a picture that exists.")
def command(
    picture: str,
    model: str,
    layer: str | None,
    unit: int | None,
    output: str,
    sizes: int,
    steps: int,
    rate: float,
    seed: int,
    overwrite: bool,
) -> None:
    """Change PICTURE so that a layer of a model answers more strongly to what it sees in it.

    Networks that were trained to name or to segment what pictures show dream best; weights in torchvision's layout do
    too. The picture is the same for the same seed.
    """
    from pellucid.cli.inspect import progress_bar
    from pellucid.inspect.folder_views import hidden_layers
    from pellucid.learn.inspect.dreaming import dream
    from pellucid.learn.inspect.subjects import open_subject
    from pellucid.picture import read, to_float

    refuse_existing(output, overwrite)
    network, pixels = open_subject(model), to_float(read(picture).pixels)
    names = list(hidden_layers(network))
    with progress_bar() as progress:
        found = dream(
            network, pixels, layer or names[len(names) // 2], unit, sizes, steps, rate, seed=seed, progress=progress
        )
    save_picture(output, found, overwrite)
    click.echo(output)


def refuse_existing(output: str, overwrite: bool) -> None:
    if os.path.exists(output) and not overwrite:
        raise UsageError("the picture exists already", seen=output, hint="--overwrite replaces it")


def save_picture(output: str, pixels: object, overwrite: bool) -> None:
    """(h, w, c) float32 in 0..1, as 8 bits."""
    import numpy as np

    from pellucid.picture import Picture, from_float, write

    write(output, Picture(from_float(np.clip(np.asarray(pixels, np.float32), 0, 1), np.uint8)), overwrite=overwrite)
