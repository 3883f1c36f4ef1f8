"""What `pellucid evaluate` does for models that segment: intersection over union as a table or JSON, and a strip of
frames, predictions and truths [D14]."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pellucid.cli.columns import columns

if TYPE_CHECKING:
    from pellucid.network import Network


def show_segments(
    network: Network, data: str, json_file: str | None, strip: str | None, precision: str, threads: int | None
) -> int:
    """Measures, prints or writes, and returns the exit code."""
    from pellucid.cli.bar import bar_for
    from pellucid.cli.report_file import write_whole
    from pellucid.picture import write
    from pellucid.tasks.rows import Options
    from pellucid.tasks.segment_evaluation import PROTOCOL, evaluate_segments

    with bar_for(network.name) as bar:
        task = bar.add_task("", total=None)

        def advanced(done: int, of: int, frame: str) -> None:
            bar.update(task, completed=done, total=of, description=frame)

        report, beside = evaluate_segments(network, data, Options(precision, threads), advanced)
    if strip is not None:
        write(strip, beside, overwrite=True)
    text = json.dumps(report.to_json(), indent=2)
    if json_file == "-":
        click.echo(text)
        return 0
    if json_file is not None:
        write_whole(json_file, text + "\n")
    click.echo(f"{report.model}, {report.how}, {report.frames} frames: {PROTOCOL}\n")
    click.echo("\n".join(columns(("class", "IoU %"), report.rows(), right=range(1, 2))))
    click.echo(f"\n{report.pixels:.1%} of the pixels are right")
    return 0
