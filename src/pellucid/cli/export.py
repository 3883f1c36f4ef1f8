"""`pellucid export RUN -o model.safetensors`: a training run becomes a model file [C5]."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model file to write.")
@click.option("--half", is_flag=True, help="Store the weights as float16: half the size, computed as float32.")
@click.option("--card", type=click.Path(path_type=Path), help="A JSON file with fields for the model's card.")
@click.option("--overwrite", is_flag=True, help="Replace the model file if it exists.")
def command(run: Path, output: Path, half: bool, card: Path | None, overwrite: bool) -> None:
    """Turn RUN, a run's folder or a snapshot, into a model file.

    The file is compared with the trained network on random pictures before it gets its name.
    """
    from pellucid.learn.to_runtime import export_run, read_card

    click.echo("following the network and comparing ...", err=True)
    fields = read_card(card) if card else None
    written = export_run(run, output, half=half, card=fields, overwrite=overwrite)
    parameters = sum(array.size for array in written.weights.values())
    click.echo(
        f"{output}: {len(written.graph.nodes)} operations, {parameters:,} parameters, {output.stat().st_size:,} bytes"
    )
