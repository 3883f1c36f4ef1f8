"""`pellucid upscale IN... -o OUT --scale 3`: enlarges files, folders, or standard input [C5]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pellucid.cli.options import Asked, batch_options, pictures_in_and_out

if TYPE_CHECKING:
    from pellucid.network import Network
    from pellucid.tasks.superres import ByBlocks


@click.command()
@pictures_in_and_out
@click.option("--scale", type=click.IntRange(2, 4), help="How many times larger; 3 unless the model says otherwise.")
@click.option("--model", metavar="NAME|FILE", help="Which model; the best that ships for the scale by default.")
@click.option(
    "--input",
    "kind",
    type=click.Choice(["clean", "photo", "auto"]),
    help="Clean pictures, or photographs stored as JPEG; auto, the default, decides for each: by a JPEG's own tables "
    "up to quality 90, by blocks that are seen in others.",
)
@batch_options
def command(
    asked: Asked,
    scale: int | None,
    model: str | None,
    kind: str | None,
) -> int:
    """Enlarge pictures: files, folders, patterns in quotes, or - for standard input.

    Depth, density, colour profile, EXIF, orientation, grey and transparency are kept; CMYK becomes sRGB. Files that
    exist already are left as they are and count as done, so the same command goes on after an interruption;
    --overwrite makes them anew.
    """
    from pellucid.cli.many_files import run_many
    from pellucid.tasks.superres import ByBlocks, upscale_file

    chosen = _chosen(model, scale, kind)
    network = chosen.clean if isinstance(chosen, ByBlocks) else chosen
    options = asked.options()
    return run_many(
        asked,
        lambda source, target, advanced: upscale_file(chosen, source, target, options, advanced),
        note=f"{network.name}, {network.precision_in_words(asked.precision)}",
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
    scales = models.photo_scales()
    if kind == "photo" and (scale or 3) not in scales:
        raise UsageError(
            "no model for photographs ships for this scale",
            seen=f"--scale {scale or 3}",
            expected=", ".join(map(str, scales)) or "none yet",
            hint="--input clean takes the other",
        )
    if kind == "photo":
        return pellucid.load(photo)
    if kind == "clean" or not scales:
        return pellucid.load(clean)
    return ByBlocks(pellucid.load(clean), pellucid.load(photo) if photo in models.names() else None, scales)
