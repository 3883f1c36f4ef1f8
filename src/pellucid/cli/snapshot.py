"""`pellucid snapshot`: the state of a run, or the mean of several, as one small file to go on from elsewhere."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
def command(runs: tuple[Path, ...], output: Path) -> None:
    """Write the newest state of RUN, a run's folder, as one file.

    `pellucid train RECIPE --from FILE` goes on from it in a new folder.

    Of several RUNs, folders or snapshots, that began with the same weights and are finished, write the mean of their
    weights, which is often better than each of them.
    """
    from pellucid.learn.training.checkpoints import save_snapshot
    from pellucid.learn.training.mean import save_mean

    if len(runs) > 1:
        save_mean(runs, output)
        what = f"the mean of {len(runs)} runs"
    else:
        what = f"step {save_snapshot(runs[0], output)['step']}"
    click.echo(f"{output}: {what}, {output.stat().st_size:,} bytes")
