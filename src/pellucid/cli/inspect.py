"""`pellucid inspect MODEL|RUN|NETWORK -o report.html`: a network looked at from inside, as one page [E1 to E10, C7]."""

from __future__ import annotations

import importlib.util
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.errors import UsageError

if TYPE_CHECKING:
    from pellucid.network import Network


class Seconds(click.ParamType):
    """A time: 60s, 2m, 90."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|)", str(value))
        if not match:
            self.fail(f"{value!r} is no time; expected for example 60s or 2m", param, ctx)
        return float(match[1]) * (60 if match[2] == "m" else 1)


@click.command()
@click.argument("model", metavar="MODEL|RUN|NETWORK")
@click.option("--picture", metavar="FILE", help="What to show the network; a drawn picture unless said.")
@click.option("--folder", metavar="DIR", help="Pictures: the regions that excite units, how a layer sorts them.")
@click.option("--layer", metavar="NAME", help="The layer that --folder is about; the last hidden one unless said.")
@click.option("-o", "--output", metavar="FILE", default="report.html", show_default=True, help="The page.")
@click.option("--budget", type=Seconds(), default="60s", show_default=True, help="After this no further view begins.")
@click.option("--overwrite", is_flag=True, help="Replace a page that exists.")
def command(
    model: str,
    picture: str | None,
    folder: str | None,
    layer: str | None,
    output: str,
    budget: float,
    overwrite: bool,
) -> None:
    """Look inside a model: graph, costs, receptive fields, filters, activations with a verdict, gradients, precision.

    MODEL is a name of `pellucid models` or a model file, RUN the folder of a training, NETWORK a name of `pellucid
    networks`, which gets random weights; weights in torchvision's layout do too. Views that need gradients are left out
    where torch is not installed. The page holds its pictures, opens offline, and says with every figure how to read it.
    """
    from pellucid.evaluate import pictures_in
    from pellucid.inspect.folder_views import look_at_folder
    from pellucid.inspect.inspection import inspect
    from pellucid.inspect.page import page, save
    from pellucid.picture import read

    if os.path.exists(output) and not overwrite:
        raise UsageError("the page exists already", seen=output, hint="--overwrite replaces it")
    if layer and not folder:
        raise UsageError("--layer says what --folder is about", hint="name a folder of pictures too")
    paths = pictures_in(folder) if folder else []
    network = subject(model)
    pixels = read(picture).pixels if picture else None
    end = time.monotonic() + budget
    with progress_bar() as progress:
        seen = inspect(network, pixels, budget, progress)
        gradients = back = None
        if has_torch():
            from pellucid.learn.inspect.guided import back_from
            from pellucid.learn.inspect.views import look_with_gradients

            back = back_from
            gradients = look_with_gradients(network, seen, end - time.monotonic(), progress)
        left = max(end - time.monotonic(), 0.0)
        sorted_by = look_at_folder(network, paths, layer, back, left, progress) if paths else None
    save(output, page(seen, gradients, sorted_by))
    for finding in seen.verdict:
        click.echo(finding.sentence)
    if gradients and gradients.flow:
        from pellucid.inspect.gradient_views import flow_verdict

        click.echo(flow_verdict(gradients.flow).sentence)
    click.echo(output)


def has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def subject(name: str) -> Network:
    """What a user names, opened; torch is asked for only where a name or a file needs it."""
    import pellucid
    from pellucid import models

    if name in models.names() or not has_torch():
        return pellucid.load(name)
    from pellucid.learn.inspect.subjects import open_subject

    return open_subject(name)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """What is told (done, in all, name), shown on the terminal with the time left; nothing where there is none."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, name: str) -> None:
            if done == 0:  # another part of the work, whose steps take another time
                bar.reset(task)
            bar.update(task, description=name, completed=done, total=total)

        yield show
