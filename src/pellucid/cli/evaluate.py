"""`pellucid evaluate MODEL --data DIR --scale 3`: figures of a model on a folder of pictures, with protocol [C2]."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console

from pellucid.cli.bar import bar_for
from pellucid.cli.options import precision_option, threads_option
from pellucid.cli.report_file import refuse_unwritable, write_whole

if TYPE_CHECKING:
    from pellucid.evaluate import Run
    from pellucid.network import Network
    from pellucid.report import Report

CLASSICAL = ("bicubic", "non-local-means")
"""Methods that are measured as if they were models."""


@click.command()
@click.argument("model")
@click.option("--data", required=True, metavar="DIR", help="A folder of original pictures, or of frames with labels.")
@click.option("--only", "names", metavar="FILE", help="Of the folder, the pictures that this file names, line by line.")
@click.option("--scale", type=click.IntRange(min=2), help="Measure super-resolution by this factor.")
@click.option("--sigma", type=click.FloatRange(0, 255, min_open=True), help="Measure denoising, in grey levels of 255.")
@click.option("--camera", is_flag=True, help="With --sigma: noise as cameras leave it, shared by neighbouring pixels.")
@click.option("--quality", type=click.IntRange(1, 100), help="With --scale: the small pictures are JPEGs of it.")
@click.option(
    "--ensemble", is_flag=True, help="Average the model over the eight flips and turns: better, 8 times slower."
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write the report as JSON; with - nothing else is printed.")
@click.option("--strip", metavar="FILE", help="For models that segment: frames, predictions and truths as a picture.")
@precision_option
@threads_option
def command(
    model: str,
    data: str,
    scale: int | None,
    names: str | None,
    sigma: float | None,
    camera: bool,
    quality: int | None,
    ensemble: bool,
    json_file: str | None,
    strip: str | None,
    precision: str,
    threads: int | None,
) -> int:
    """Measure MODEL (a name, a model file, `bicubic`, `non-local-means`) on the pictures of a folder.

    With --scale each picture is made smaller and enlarged again; with --sigma noise is added and removed. PSNR, SSIM
    and GMSD are printed for every picture, with their means, beside a simple method, and with the protocol in words.

    A model that segments is measured on frames whose labels lie in a folder beside theirs (`test` and `testannot`):
    intersection over union for every class, and its mean.
    """
    from pellucid.errors import UsageError
    from pellucid.evaluate import evaluate_camera, evaluate_denoise, evaluate_superres, named_in

    if json_file not in (None, "-"):
        refuse_unwritable(json_file)
    if (network := _segmenting(model)) is not None:
        from pellucid.cli.evaluate_segments import show_segments

        if scale is not None or sigma is not None:
            raise UsageError(f"{network.name} segments pictures", seen="--scale or --sigma", expected="neither")
        return show_segments(network, data, json_file, strip, precision, threads)
    if strip is not None:
        raise UsageError("--strip shows classes", seen=model, expected="a model that segments")
    if (scale is None) == (sigma is None):
        seen = "neither --scale nor --sigma" if scale is None else "both --scale and --sigma"
        raise UsageError("one thing is measured at a time", seen=seen, expected="--scale N or --sigma S")
    if quality is not None and scale is None:
        raise UsageError("JPEGs are a matter of enlarging", seen="--quality with --sigma", expected="--scale N")
    if camera and sigma is None:
        raise UsageError("cameras' noise is a matter of denoising", seen="--camera with --scale", expected="--sigma S")
    pictures = data if names is None else named_in(names, data)
    run, name, how = _load(model, scale, sigma, precision, threads, ensemble)
    with bar_for(name) as bar:
        task = bar.add_task("", total=None)

        def advanced(done: int, of: int, picture: str) -> None:
            bar.update(task, completed=done, total=of, description=picture)

        if scale is not None:
            report = evaluate_superres(run, pictures, scale, quality=quality, name=name, how=how, progress=advanced)
        else:
            evaluate = evaluate_camera if camera else evaluate_denoise
            report = evaluate(run, pictures, sigma or 0, name=name, how=how, progress=advanced)
    return _show(report, json_file)


def _segmenting(model: str) -> Network | None:
    """The model, if it is one that segments; refuses one that makes no pictures either."""
    if model in CLASSICAL:
        return None
    import pellucid
    from pellucid.errors import UsageError

    network = pellucid.load(model)
    task = network.card.task
    if task not in ("superres", "denoise", "segment"):
        expected = "a model that enlarges, denoises or segments"
        raise UsageError(
            f"{network.name} cannot be measured on a folder", seen=f"a model for {task}", expected=expected
        )
    return network if task == "segment" else None


def _load(
    model: str, scale: int | None, sigma: float | None, precision: str, threads: int | None, ensemble: bool
) -> tuple[Run, str, str]:
    """The model as a function, its name, and in words what else its figures depend on."""
    import pellucid
    from pellucid.errors import UsageError
    from pellucid.evaluate import bicubic, runner
    from pellucid.tasks.non_local_means import non_local_means

    if model in CLASSICAL and ensemble:
        raise UsageError("self-ensembles are of networks", seen=f"--ensemble with {model}", hint="leave it out")
    if model == "bicubic":
        if scale is None:
            raise UsageError("bicubic interpolation removes no noise", seen="--sigma", expected="--scale")
        return bicubic(scale), model, ""
    if model == "non-local-means":
        if sigma is None:
            raise UsageError("non-local means enlarges nothing", seen="--scale", expected="--sigma")
        return partial(non_local_means, sigma=sigma / 255), model, ""
    network = pellucid.load(model)
    _check_task(network.name, network.card.task, network.card.scale, scale)
    run = runner(network, sigma=sigma, precision=precision, threads=threads, self_ensemble=ensemble)
    return run, network.name, network.precision_in_words(precision) + ", self-ensemble" * ensemble


def _check_task(name: str, task: str, model_scale: int | None, scale: int | None) -> None:
    from pellucid.errors import UsageError

    if task != ("denoise" if scale is None else "superres"):
        right = {"superres": f"--scale {model_scale}", "denoise": "--sigma"}.get(task)
        raise UsageError(f"{name} is no such model", seen=f"a model for {task}", expected=right)
    if scale != model_scale and scale is not None:
        raise UsageError(f"{name} enlarges {model_scale} times", seen=f"--scale {scale}")


def _show(report: Report, json_file: str | None) -> int:
    """Prints or writes the report; failures go to stderr, and the exit code says whether there were any."""
    text = json.dumps(report.to_json(), indent=2, ensure_ascii=False)
    if json_file == "-":
        click.echo(text)
    else:
        if json_file is not None:
            write_whole(json_file, text + "\n")
        console = Console(width=None if Console().is_terminal else 160, highlight=False)
        console.print(f"{report.protocol}\n", soft_wrap=True)
        console.print(report.table())
    for name, why in report.failures.items():
        click.echo(f"pellucid: {why if name in why else f'{name}: {why}'}", err=True)
    return 1 if report.failures else 0
