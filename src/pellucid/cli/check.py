"""`pellucid check NETWORK`: every gradient of a network against finite differences, in float64 [A15]."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.cli.columns import columns


@click.command()
@click.argument("network")
@click.option("--samples", type=click.IntRange(min=1), default=200, show_default=True, help="Places of a large tensor.")
@click.option("--all", "show_all", is_flag=True, help="Show every tensor, not the ten worst.")
def command(network: str, samples: int, show_all: bool) -> int:
    """Check the gradients of NETWORK (see `pellucid networks`) against central differences.

    It gets random weights and the smallest input it takes. Below 100,000 numbers all are checked, else --samples places
    of each tensor. The exit code is 1 where backpropagation and differences disagree.
    """
    from pellucid.learn.inspect.gradient_check import TOLERANCE, check_gradients
    from pellucid.learn.inspect.small_inputs import small_case

    module, x = small_case(network)
    console = Console(stderr=True)
    shown = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, name: str) -> None:
            bar.update(task, description=name, completed=done, total=total)

        found = check_gradients(module, x, samples, progress)
    worst_first = sorted(found.tensors, key=lambda tensor: -tensor.error)
    rows = [
        (
            t.name,
            f"{t.checked:,} of {t.size:,}",
            f"{t.error:.1e}",
            str(list(t.worst)),
            f"{t.analytic:.8g}",
            f"{t.numeric:.8g}",
        )
        for t in (worst_first if show_all else worst_first[:10])
    ]
    headings = ("tensor", "checked", "error", "worst at", "backpropagation", "differences")
    click.echo("\n".join(columns(headings, rows, right=(1, 2, 4, 5))))
    worst = found.worst
    checked = sum(t.checked for t in found.tensors)
    n, c, h, w = x.shape
    verdict = "agree" if found.agrees else "DISAGREE"
    place = f"worst {worst.error:.1e} in {worst.name}, tolerance {TOLERANCE:g} of a tensor's largest gradient"
    click.echo(f"{network}, {n} inputs of {w} x {h} x {c}: {verdict} at {checked:,} places; {place}")
    return 0 if found.agrees else 1
