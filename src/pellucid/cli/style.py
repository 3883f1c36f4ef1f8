"""`pellucid style CONTENT STYLE --model M -o OUT`: one picture's content in another's style [E4]."""

from __future__ import annotations

import click

from pellucid.cli.dream import refuse_existing, save_picture


@click.command()
@click.argument("content", metavar="CONTENT")
@click.argument("style", metavar="STYLE")
@click.option("--model", required=True, metavar="NAME|FILE", help="Whose eye is used: as for `pellucid inspect`.")
@click.option("-o", "--output", required=True, metavar="FILE", help="The picture to write.")
@click.option("--content-layer", metavar="NAME", help="Where content is compared; chosen unless said.")
@click.option("--style-layer", "style_layers", multiple=True, metavar="NAME", help="Where style is; may be repeated.")
@click.option("--strength", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Of style on content.")
@click.option("--side", type=click.IntRange(min=32), default=384, show_default=True, help="Longer ones are shrunk.")
@click.option("--steps", type=click.IntRange(min=1), default=200, show_default=True, help="Of the optimiser.")
@click.option("--overwrite", is_flag=True, help="Replace a picture that exists.")
def command(
    content: str,
    style: str,
    model: str,
    output: str,
    content_layer: str | None,
    style_layers: tuple[str, ...],
    strength: float,
    side: int,
    steps: int,
    overwrite: bool,
) -> None:
    """Paint CONTENT in the style of STYLE, as a model sees both.

    Networks that were trained to name or to segment what pictures show do best; weights in torchvision's layout do too.
    It prints how far content and style are from the two pictures, before and after.
    """
    from pellucid.cli.inspect import progress_bar
    from pellucid.learn.inspect.styling import transfer
    from pellucid.learn.inspect.subjects import open_subject

    refuse_existing(output, overwrite)
    network = open_subject(model)
    with progress_bar() as progress:
        found = transfer(
            network,
            _read(content, side),
            _read(style, side),
            content_layer,
            style_layers,
            strength,
            steps,
            progress,
        )
    save_picture(output, found.picture, overwrite)
    click.echo(f"content  {found.content_error[0]:.3g} -> {found.content_error[1]:.3g} in {found.content_layer}")
    click.echo(f"style    {found.style_error[0]:.3g} -> {found.style_error[1]:.3g} in {', '.join(found.style_layers)}")
    click.echo(output)


def _read(path: str, side: int):  # type: ignore[no-untyped-def]
    """(h, w, c) in 0..1, its longer side at most `side`."""
    from pellucid.picture import read, to_float
    from pellucid.resample import imresize

    x = to_float(read(path).pixels)
    h, w = x.shape[:2]
    if max(h, w) <= side:
        return x
    return imresize(x, size=(max(1, round(h * side / max(h, w))), max(1, round(w * side / max(h, w))))).clip(0, 1)
