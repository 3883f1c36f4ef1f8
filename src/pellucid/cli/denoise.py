"""`pellucid denoise IN... -o OUT --sigma auto`: takes noise out of files, folders, or standard input [D2]."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.options import Asked, batch_options, pictures_in_and_out

if TYPE_CHECKING:
    from pellucid.network import Network

GREY = "denoise-grey"


class Sigma(click.ParamType):
    """Grey levels of 255, or `auto`, which is None."""

    name = "auto|0..55"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value == "auto":
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is no noise level; expected auto, or grey levels of 255", param, ctx)


@click.command()
@pictures_in_and_out
@click.option(
    "--sigma", type=Sigma(), default="auto", show_default=True, help="How strong the noise is; auto measures it."
)
@click.option("--strength", type=float, default=1.0, show_default=True, help="The share of the noise to take, 0 to 1.")
@click.option(
    "--model",
    metavar="NAME|FILE",
    help="Which model; by default denoise-colour, and for grey pictures denoise-grey, both for white noise. "
    "denoise-photo is for a camera's noise, which neighbouring pixels share.",
)
@batch_options
def command(
    asked: Asked,
    sigma: float | None,
    strength: float,
    model: str | None,
) -> int:
    """Take the noise out of pictures: files, folders, patterns in quotes, or - for standard input.

    Depth, density, colour profile, EXIF, orientation, grey and transparency are kept; CMYK becomes sRGB. Files that
    exist already are left as they are and count as done, so the same command goes on after an interruption; --overwrite
    makes them anew.
    """
    import pellucid
    from pellucid import models as shipped
    from pellucid.cli.many_files import run_many
    from pellucid.tasks.denoise import Wanted, denoise_file, level_of

    @cache
    def of(name: str) -> Network:
        network = pellucid.load(name)
        level_of(network, 0)  # refuses models for other tasks
        return network

    def models(channels: int) -> Network:
        grey = channels == 1 and GREY in shipped.names()
        return of(model or (GREY if grey else "denoise-colour"))

    wanted = Wanted(sigma, strength)
    network = models(3)
    options = asked.options()
    return run_many(
        asked,
        lambda source, target, advanced: denoise_file(models, source, target, options, wanted, advanced),
        note=f"{model or 'denoise'}, {network.precision_in_words(asked.precision)}",
    )
