"""`pellucid snapshot`: the state of a run as one small file that another machine goes on from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
def command(run: Path, output: Path) -> None:
    """Write the newest state of RUN, a run's folder, as one file.

    `pellucid train RECIPE --from FILE` goes on from it in a new folder.
    """
    from pellucid.learn.training.checkpoints import save_snapshot

    step = save_snapshot(run, output)["step"]
    click.echo(f"{output}: step {step}, {output.stat().st_size:,} bytes")
