"""`pellucid experiment`: the documents' small experiments, what they say beside what is seen here [C11]."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.cli.columns import columns
from pellucid.cli.options import threads_option
from pellucid.errors import UsageError


@click.command()
@click.argument("name", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="The folder with MNIST's idx files, where it is needed.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting; NAME.json lists them.")
@click.option("--seed", type=int, help="Short for --set seed=.")
@click.option("--full", is_flag=True, help="The longer form, where there is one.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("experiments"),
    show_default=True,
    help="The folder for the picture and the figures.",
)
@click.option("--overwrite", is_flag=True, help="Replace what an earlier run left there.")
@threads_option
def command(
    name: str | None,
    data: Path | None,
    changes: tuple[str, ...],
    seed: int | None,
    full: bool,
    output: Path,
    overwrite: bool,
    threads: int | None,
) -> None:
    """Do the experiment NAME, draw it, and hold its claims against what is seen; without NAME, list them.

    Most end in about a minute on one core. Beside the table there are NAME.png and NAME.json.
    """
    from pellucid.learn.experiments import EXPERIMENTS, find_experiment
    from pellucid.learn.experiments.experiment import DOCUMENTS, as_json, changed, read_data

    if name is None:
        click.echo("\n".join(columns(("experiment", "what it shows"), list(EXPERIMENTS.items()))))
        return
    experiment = find_experiment(name)
    picture, figures = output / f"{name}.png", output / f"{name}.json"
    if not overwrite and (picture.exists() or figures.exists()):
        raise UsageError("the experiment has been done already", seen=figures, hint="--overwrite does it again")
    settings = changed((full and experiment.full) or experiment.usual, changes)
    if seed is not None:
        settings = changed(settings, [f"seed={seed}"])
    known = read_data(experiment, data)
    if threads:
        import torch

        torch.set_num_threads(threads)
    outcome = _watched(experiment, settings, known)
    from pellucid.inspect.page.document import save
    from pellucid.learn.experiments.drawing import png

    output.mkdir(parents=True, exist_ok=True)
    save(str(picture), png(outcome.picture))
    save(str(figures), as_json(name, settings, outcome))
    agree = {True: "agrees", False: "differs", None: ""}
    rows = [(DOCUMENTS[c.document], c.said, c.seen, agree[c.agrees]) for c in outcome.claims]
    click.echo("\n".join(columns(("document", "says", "seen here", ""), rows)))
    click.echo(f"{picture}\n{figures}")
    if outcome.film:
        film = output / f"{name}.gif"
        save(str(film), outcome.film)
        click.echo(film)


def _watched(experiment, settings, known):  # type: ignore[no-untyped-def]
    console = Console(stderr=True)
    shown = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, what: str) -> None:
            bar.update(task, description=what, completed=done, total=total)

        return experiment.run(settings, known, progress)
