"""`pellucid train`: a recipe becomes a trained network in a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pellucid.learn.recipes import Recipe
    from pellucid.learn.training.job import Job, Outcome


@click.command()
@click.argument("recipe")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="What to learn from: a crop database made by createdb, or the folder with labelled pictures or frames.",
)
@click.option("--run", type=click.Path(path_type=Path), help="The run's folder; runs/RECIPE unless given.")
@click.option("--scale", type=int, help="How many times larger the output is; short for --set scale=.")
@click.option("--network", metavar="NAME", help="Another network, as it is by default; short for --set network=.")
@click.option("--steps", type=int, help="The length of the run; short for --set steps=.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the recipe; dots go down.")
@click.option("--threads", type=click.IntRange(1), help="Threads of each process; as the recipe says unless given.")
@click.option("--precision", help="auto, fp32 or bf16; auto takes what is faster here.")
@click.option(
    "--engine",
    help="auto, pellucid or torch: whose kernels compute; auto takes ours on a CPU, for fp32 where it has vectors, for "
    "bf16 where it has matrix tiles. A run goes on with what it last used unless given.",
)
@click.option("--processes", type=click.IntRange(1), default=1, help="Processes that share each batch.")
@click.option("--from", "snapshot", type=click.Path(path_type=Path), help="Go on from a snapshot, in a new folder.")
def command(
    recipe: str,
    data: Path | None,
    run: Path | None,
    scale: int | None,
    network: str | None,
    steps: int | None,
    changes: tuple[str, ...],
    threads: int | None,
    precision: str | None,
    engine: str | None,
    processes: int,
    snapshot: Path | None,
) -> int | None:
    """Train by RECIPE: the name of one that ships, or a YAML file.

    Stopped in any way, the same command goes on, and at the end the weights have the same bits as without the stop.
    This holds on one machine and with one number of threads. `pellucid train identity` tries everything in a minute.
    """
    from pellucid.learn.recipes import load_recipe
    from pellucid.learn.training.callbacks import logs
    from pellucid.learn.training.job import Job
    from pellucid.learn.training.loop import train
    from pellucid.learn.training.progress import Watch

    named = (("network", network), ("scale", scale), ("steps", steps))
    short = [f"{key}={value}" for key, value in named if value is not None]
    chosen = load_recipe(recipe, [*short, *changes])
    job = Job(
        recipe=chosen,
        run=run or Path("runs") / Path(recipe).stem,
        database=data,
        threads=threads,
        precision=precision,
        engine=engine,
        snapshot=snapshot,
        processes=processes,
        callbacks=(*logs(), Watch()),
    )
    return _report(train(job), chosen, job)


def _report(outcome: Outcome, recipe: Recipe, job: Job) -> int | None:
    from pellucid.errors import TrainingError
    from pellucid.learn.training.figures import ClassFigures, PictureFigures, StreetFigures

    if outcome.ending == "stopped":
        click.echo(f"pellucid: stopped and saved after step {outcome.step}; the same command goes on", err=True)
        return 130
    figures = outcome.figures
    how_good = "" if figures is None else f", {figures.words}"
    click.echo(f"{job.run} {'is' if outcome.ending == 'finished' else 'was'} finished: {outcome.step} steps{how_good}")
    click.echo(f"weights {outcome.weights}")
    if isinstance(figures, ClassFigures) and job.database is not None:
        from pellucid.learn.training.naming import measure_on_test

        test = measure_on_test(job.run, job.database)
        click.echo(f"test files, {test.pictures:,} pictures that chose nothing: {test.words}")
    if isinstance(figures, StreetFigures) and job.database is not None:
        from pellucid.learn.training import segmenting

        tested = segmenting.measure_on_test(job.run, job.database)
        click.echo(f"test frames, which chose nothing: {tested.words}{tested.beside}")
    if recipe.goal_psnr and isinstance(figures, PictureFigures):
        if figures.psnr < recipe.goal_psnr:
            raise TrainingError(
                f"the network has not learned the {recipe.task}",
                seen=f"{figures.psnr:.2f} dB",
                expected=f"{recipe.goal_psnr:g} dB or more",
            )
        click.echo(f"learned the {recipe.task}")
    return None
