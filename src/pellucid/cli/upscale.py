"""`pellucid upscale IN... -o OUT --scale 3`: enlarges files, folders, or standard input [C5]."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pellucid.cli.options import memory_option, output_options, precision_option, threads_option

if TYPE_CHECKING:
    from pellucid.network import Network
    from pellucid.tasks.superres import ByBlocks


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o", "--output", required=True, metavar="OUT", help="A picture file, a folder, or - for standard output."
)
@click.option("--scale", type=click.IntRange(2, 4), help="How many times larger; 3 unless the model says otherwise.")
@click.option("--model", metavar="NAME|FILE", help="Which model; the best that ships for the scale by default.")
@click.option(
    "--input",
    "kind",
    type=click.Choice(["clean", "photo", "auto"]),
    help="Clean pictures, or photographs stored as JPEG; auto, the default, looks for JPEG's blocks in each.",
)
@output_options
@precision_option
@threads_option
@memory_option
def command(
    sources: tuple[str, ...],
    output: str,
    scale: int | None,
    model: str | None,
    kind: str | None,
    picture_format: str | None,
    quality: int | None,
    overwrite: bool,
    jobs: int,
    report: str | None,
    max_pixels: int,
    precision: str,
    threads: int | None,
    memory: int | None,
) -> int:
    """Enlarge pictures: files, folders, or - for standard input.

    Depth, colour profile, EXIF, orientation, grey and transparency are kept. Files that exist already are left as they
    are and count as done, so the same command goes on after an interruption; --overwrite makes them anew.
    """
    from pellucid.cli.many_files import run_many
    from pellucid.tasks.superres import ByBlocks, Options, upscale_file

    chosen = _chosen(model, scale, kind)
    network = chosen.clean if isinstance(chosen, ByBlocks) else chosen
    options = Options(precision, threads, memory, max_pixels, picture_format, quality, overwrite)
    return run_many(
        list(sources),
        output,
        lambda source, target, advanced: upscale_file(chosen, source, target, options, advanced),
        note=f"{network.name}, {network.precision_in_words(precision)}",
        picture_format=picture_format,
        overwrite=overwrite,
        jobs=jobs,
        report=report,
        stdin=sys.stdin.buffer,
        stdout=sys.stdout.buffer,
    )


def _chosen(model: str | None, scale: int | None, kind: str | None) -> Network | ByBlocks:
    """The network that was named; or, for its scale, what ships for this kind of pictures."""
    import pellucid
    from pellucid import models
    from pellucid.errors import UsageError
    from pellucid.tasks.superres import ByBlocks, scale_of

    if model is not None:
        if kind is not None:
            raise UsageError("the model is named already", seen=f"--input {kind}", hint="leave out --input or --model")
        network = pellucid.load(model)
        if scale is not None and scale_of(network) != scale:
            raise UsageError(
                f"{network.name} enlarges {scale_of(network)} times",
                seen=f"--scale {scale}",
                hint="leave out --scale or --model",
            )
        return network
    clean = f"superres-x{scale or 3}"
    photo = f"{clean}-photo"
    if kind == "clean" or (kind != "photo" and photo not in models.names()):
        return pellucid.load(clean)
    return pellucid.load(photo) if kind == "photo" else ByBlocks(pellucid.load(clean), pellucid.load(photo))
