"""From a training run to a model that ships: exported, measured on the test sets, its figures written into its card.

    python training/ship.py RUN NAME --data ../shared/data/test
    python training/ship.py RUN NAME --data ../shared/data/mnist --half

The card's words come from `training/cards/NAME.json`; its figures are measured here, never typed, by the recipe's task:
pictures on Set5, Set14 and BSD100 (and what bfloat16 costs, on the first), classes on their data set's test files. The
run itself is kept as `training/snapshots/NAME.pt`, from which `pellucid train --from` goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import pellucid
from pellucid import models
from pellucid.card import Card, Figure
from pellucid.evaluate import evaluate_superres, runner
from pellucid.learn.data.labelled import read_mnist
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
    export_run(options.run, path, card=words, overwrite=True, half=options.half)
    network = pellucid.load(path)
    measured = measured_classes if network.card.task == "classify" else measured_superres
    file = load(path)
    save(path, file.graph, file.weights, measured(network, options.data), half=options.half)
    save_snapshot(options.run, FOLDER / "snapshots" / f"{options.name}.pt")
    print(f"{path}: {path.stat().st_size:,} bytes")


def measured_superres(network: pellucid.Network, data: Path) -> Card:
    reports = {title: report(network, data / folder, "fp32") for folder, title in SETS.items()}
    first = next(iter(SETS))
    rounded = report(network, data / first, "bf16")
    loss = reports[SETS[first]].mean_psnr - rounded.mean_psnr
    figures = tuple(figure(title, report) for title, report in reports.items())
    for f in figures:
        print(f"{f.data:<6} {f.values['psnr']:.2f} dB, bicubic {f.values['psnr of bicubic']:.2f} dB")
    print(f"bfloat16 costs {loss:.4f} dB")
    return replace(network.card, bf16_loss_db=round(loss, 4), figures=figures)


def measured_classes(network: pellucid.Network, data: Path) -> Card:
    """By the engine, on the test files, each picture as it is."""
    test = read_mnist(data, train=False, classes=network.card.classes)
    values = network.run(test.pictures.astype(np.float32) / np.float32(255), "fp32")
    values = values.reshape(len(test), -1).astype(np.float64)
    values -= values.max(axis=1, keepdims=True)
    logarithms = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    accuracy = float((values.argmax(axis=1) == test.labels).mean())
    cross_entropy = float(-logarithms[np.arange(len(test)), test.labels].mean())
    print(f"accuracy {accuracy:.2%}, cross-entropy {cross_entropy:.4f}")
    found = {"accuracy": accuracy, "cross-entropy": round(cross_entropy, 4)}
    protocol = f"the {len(test):,} pictures of the test files, as they are, by the engine in float32"
    return replace(network.card, figures=(Figure("MNIST", protocol, found),))


def report(network: pellucid.Network, folder: Path, precision: str) -> Report:
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
    parser.add_argument("--data", type=Path, required=True, help="the folder with the test sets")
    parser.add_argument("--half", action="store_true", help="weights in float16")
    return parser.parse_args()


if __name__ == "__main__":
    main()
