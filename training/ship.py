"""From a training run to a model that ships: exported, measured on the test sets, its figures written into its card.

    python training/ship.py RUN NAME --data ../shared/data/test

The card's words come from `training/cards/NAME.json`; its figures are measured here, never typed. What bfloat16 costs
is measured too, on the first set. The run itself is kept as `training/snapshots/NAME.pt`, from which
`pellucid train --from` goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import pellucid
from pellucid import models
from pellucid.card import Card, Figure
from pellucid.evaluate import evaluate_superres, runner
from pellucid.learn.to_runtime import export_run
from pellucid.learn.training.checkpoints import save_snapshot
from pellucid.modelfile import load, save
from pellucid.report import Report

FOLDER = Path(__file__).parent
SETS = {"set5": "Set5", "set14": "Set14", "bsd100": "B100"}


def main() -> None:
    options = _options()
    path = models.path_of(options.name)
    words = json.loads((FOLDER / "cards" / f"{options.name}.json").read_text())
    export_run(options.run, path, card=words, overwrite=True)
    network = pellucid.load(path)
    reports = {title: measured(network, options.data / folder, "fp32") for folder, title in SETS.items()}
    first = next(iter(SETS))
    rounded = measured(network, options.data / first, "bf16")
    loss = reports[SETS[first]].mean_psnr - rounded.mean_psnr
    figures = tuple(figure(title, report) for title, report in reports.items())
    file = load(path)
    card = Card.from_json(file.card.to_json() | {"bf16_loss_db": round(loss, 4)})
    save(path, file.graph, file.weights, replace(card, figures=figures))
    save_snapshot(options.run, FOLDER / "snapshots" / f"{options.name}.pt")
    for f in figures:
        print(f"{f.data:<6} {f.values['psnr']:.2f} dB, bicubic {f.values['psnr of bicubic']:.2f} dB")
    print(f"bfloat16 costs {loss:.4f} dB; {path}: {path.stat().st_size:,} bytes")


def measured(network: pellucid.Network, folder: Path, precision: str) -> Report:
    print(f"{folder.name}, {precision} ...", file=sys.stderr)
    return evaluate_superres(runner(network, precision=precision), folder, network.card.scale or 1)


def figure(data: str, report: Report) -> Figure:
    mean = report.mean()
    values = {
        "psnr": round(mean.model.psnr, 3),
        "ssim": round(mean.model.ssim, 4),
        "psnr of bicubic": round(mean.beside.psnr, 3),
        "ssim of bicubic": round(mean.beside.ssim, 4),
    }
    return Figure(data, str(report.protocol), values)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("name", help="of the model")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds set5, set14, bsd100")
    return parser.parse_args()


if __name__ == "__main__":
    main()
