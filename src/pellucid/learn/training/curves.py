"""Learning curves: loss and validation PSNR against steps, as one picture. [C9]"""

from __future__ import annotations

import json
import os
from pathlib import Path


def draw_curves(log: Path, output: Path, title: str) -> None:
    """Draws what is in a run's log.jsonl."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    reports = [record for record in records if "loss" in record]
    validations = [record for record in records if "psnr" in record]
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.plot([r["step"] for r in reports], [r["loss"] for r in reports], linewidth=1)
    left.set(title=f"{title}: loss", xlabel="step", yscale="log")
    steps = [v["step"] for v in validations]
    for key, label in (("psnr_y", "Y"), ("psnr", "all channels")):
        (line,) = right.plot(steps, [v[key] for v in validations], marker=".", label=label)
        given = [v[f"given_{key}"] for v in validations]
        right.plot(steps, given, color=line.get_color(), linestyle="dotted", label=f"{label}, input")
    right.set(title="PSNR on validation crops, dB", xlabel="step")
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    temporary = output.with_name(output.name + ".new")
    figure.savefig(temporary, format="png", dpi=100)
    os.replace(temporary, output)
