"""Learning curves: loss and validation figures against steps, as one picture. [C9]"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def draw_curves(log: Path, output: Path, title: str) -> None:
    """Draws what is in a run's log.jsonl."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    reports = [record for record in records if "loss" in record]
    validations = [record for record in records if DRAWN.keys() & record.keys()]
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    losses = [r["loss"] for r in reports]
    left.plot([r["step"] for r in reports], losses, linewidth=1)
    left.set(title=f"{title}: loss", xlabel="step", yscale="log" if min(losses, default=1) > 0 else "linear")
    next(draw for key, draw in DRAWN.items() if key in validations[-1])(right, validations)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    temporary = output.with_name(output.name + ".new")
    figure.savefig(temporary, format="png", dpi=100)
    os.replace(temporary, output)


def _draw_psnr(axes: Any, validations: list[dict[str, float]]) -> None:
    steps = [v["step"] for v in validations]
    for key, label in (("psnr_y", "Y"), ("psnr", "all channels")):
        (line,) = axes.plot(steps, [v[key] for v in validations], marker=".", label=label)
        given = [v[f"given_{key}"] for v in validations]
        axes.plot(steps, given, color=line.get_color(), linestyle="dotted", label=f"{label}, input")
    axes.set(title="PSNR on validation crops, dB", xlabel="step")
    axes.legend()


def _draw_errors(axes: Any, validations: list[dict[str, float]]) -> None:
    """The untrained network, at step 0, is left out: nine in ten wrong would press the rest flat."""
    learned = [v for v in validations if v["step"] or len(validations) == 1]
    axes.plot([v["step"] for v in learned], [100 * (1 - v["accuracy"]) for v in learned], marker=".")
    axes.set(title="wrong among held-out pictures, %", xlabel="step")


def _draw_iou(axes: Any, validations: list[dict[str, Any]]) -> None:
    steps = [v["step"] for v in validations]
    for name in validations[-1]["iou"]:
        axes.plot(steps, [100 * v["iou"][name] for v in validations], linewidth=0.8, label=name)
    axes.plot(steps, [100 * v["mean_iou"] for v in validations], color="black", marker=".", label="mean")
    axes.set(title="intersection over union on held-out frames, %", xlabel="step")
    axes.legend(fontsize="x-small", ncols=2)


DRAWN = {"psnr": _draw_psnr, "accuracy": _draw_errors, "mean_iou": _draw_iou}
"""By the figure that a validation is known by."""
