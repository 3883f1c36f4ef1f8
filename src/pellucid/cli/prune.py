"""`pellucid prune RUN -o MODEL`: a trained network with fewer channels, trained on a little, as a model file [A17]."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.columns import columns
from pellucid.errors import UsageError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model file to write.")
@click.option(
    "--channels",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.5,
    show_default=True,
    help="The share of each layer's channels to remove: the file and the work shrink.",
)
@click.option(
    "--weights",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="The share of the weights then left to set to 0; channels that nothing reads any more go too.",
)
@click.option("--steps", type=click.IntRange(0), default=300, show_default=True, help="Of training on, to recover.")
@click.option("--data", type=click.Path(path_type=Path), help="What the run learned from.")
@click.option("--threads", type=click.IntRange(1), help="Threads; all cores by default.")
@click.option("--overwrite", is_flag=True, help="Replace the model file if it exists.")
def command(
    run: Path,
    output: Path,
    channels: float,
    weights: float,
    steps: int,
    data: Path | None,
    threads: int | None,
    overwrite: bool,
) -> None:
    """Remove the smallest channels and weights of RUN, a run's folder or a snapshot, and train what is left.

    Prints figures of the whole network, of the pruned one, and of the pruned one trained on.
    """
    from rich.console import Console
    from rich.progress import Progress

    from pellucid.learn.training.prune_run import prune_run

    if output.exists() and not overwrite:
        raise UsageError("the model file exists already", seen=output, hint="--overwrite replaces it")
    if threads:
        import torch

        torch.set_num_threads(threads)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("training what is left", total=max(steps, 1))
        stages = prune_run(run, output, channels, weights, steps, data, lambda done: bar.update(task, completed=done))
    rows = [(s.name, f"{s.parameters:,}", f"{s.multiply_adds / 1e6:,.2f}", s.figures.words) for s in stages]
    click.echo("\n".join(columns(("network", "parameters", "M multiply-adds", "held out"), rows, right=(1, 2))))
    click.echo(f"{output}: {output.stat().st_size:,} bytes")
