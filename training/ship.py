"""From a training run to a model that ships: exported, measured on the test sets, its figures written into its card.

    python training/ship.py RUN NAME --data ../shared/data/test
    python training/ship.py RUN NAME --data ../shared/data/test --sets Set5,Set14
    python training/ship.py RUN NAME --data ../shared/data/mnist --single

Weights are stored in float16, half the size, and computed as float32: it costs at most three thousandths of a decibel.
The card's words come from `training/cards/NAME.json`; its figures are measured here, never typed, by the recipe's task:
pictures on the sets of `measuring.py` (and what bfloat16 costs, on the first), classes on their data set's test files.
The run itself is kept as `training/snapshots/NAME.pt`, from which `pellucid train --from` goes on, and what it reached
on held-out crops as `training/curves/NAME.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.measuring import measured, measures_of  # noqa: E402

import pellucid  # noqa: E402
from pellucid import models  # noqa: E402
from pellucid.card import Card, Figure  # noqa: E402
from pellucid.errors import TrainingError  # noqa: E402
from pellucid.modelfile import load, save  # noqa: E402

if TYPE_CHECKING:
    from pellucid.learn.recipes import Recipe

FOLDER = Path(__file__).parent


def main() -> None:
    from pellucid.learn.to_runtime import export_run  # here: the processes that measure import this file, not torch
    from pellucid.learn.training.load import load_run

    options = _options()
    path = models.path_of(options.name)
    words = json.loads((FOLDER / "cards" / f"{options.name}.json").read_text())
    export_run(options.run, path, card=words, overwrite=True, half=not options.single)
    file = load(path)
    card = figures_of(path, load_run(options.run)[1], options)
    save(path, file.graph, file.weights, card, half=not options.single)
    _keep_state(options.run, FOLDER / "snapshots" / f"{options.name}.pt")
    _keep_curve(options.run, FOLDER / "curves" / f"{options.name}.json")
    for f in card.figures:
        print(f"{f.data:<18} " + ", ".join(f"{name} {value:g}" for name, value in f.values.items()))
    print(f"bfloat16 costs {card.bf16_loss_db} dB; {path}: {path.stat().st_size:,} bytes")


def figures_of(path: Path, recipe: Recipe, options: argparse.Namespace) -> Card:
    """The card with what was measured."""
    network = pellucid.load(path)
    if network.card.task == "classify":
        return measured_classes(network, options.data)
    if network.card.task == "segment":
        return measured_streets(network.card, options.run, options.data)
    measures = measures_of(network, _only_level(recipe))
    if options.sets:
        measures = tuple(m for m in measures if m.data in options.sets.split(","))
    if not measures:
        sys.exit(f"no such set for {network.name}: {options.sets}")
    return measured(path, measures, options.data, options.processes)


def measured_classes(network: pellucid.Network, data: Path) -> Card:
    """By the engine, on the test files, each picture as it is."""
    from pellucid.learn.data.labelled import read_mnist

    test = read_mnist(data, train=False, classes=network.card.classes)
    values = network.run(test.pictures.astype(np.float32) / np.float32(255), "fp32")
    values = values.reshape(len(test), -1).astype(np.float64)
    values -= values.max(axis=1, keepdims=True)
    logarithms = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    accuracy = float((values.argmax(axis=1) == test.labels).mean())
    cross_entropy = float(-logarithms[np.arange(len(test)), test.labels].mean())
    found = {"accuracy": accuracy, "cross-entropy": round(cross_entropy, 4)}
    protocol = f"the {len(test):,} pictures of the test files, as they are, by the engine in float32"
    return replace(network.card, figures=(Figure("MNIST", protocol, found),))


def measured_streets(card: Card, run: Path, data: Path) -> Card:
    """On the test frames, by the network that was trained: what the export was compared with."""
    from pellucid.learn.training.segmenting import measure_on_test

    test = measure_on_test(run, data)
    found = {"mean IoU": round(test.mean_iou, 4), "pixels": round(test.pixels, 4)}
    found |= {f"IoU of {name}": round(iou, 4) for name, iou in test.iou.items()}
    protocol = f"the {test.frames} frames of the test part at their own size, void left out, in float32"
    return replace(card, figures=(Figure("CamVid", protocol, found),))


def _only_level(recipe: Recipe) -> float | None:
    """The noise level of a denoiser that learned one alone."""
    noise = recipe.data.degradation.settings
    low, high = getattr(noise, "low", None), getattr(noise, "high", None)
    return low if low == high else None


def _keep_state(run: Path, path: Path) -> None:
    from pellucid.learn.training.checkpoints import save_snapshot

    try:
        save_snapshot(run, path)
    except TrainingError as error:
        print(f"no snapshot: {error}", file=sys.stderr)


def _keep_curve(run: Path, path: Path) -> None:
    """What was measured on held-out crops while it learned, step by step. A snapshot has no log: the curve stays."""
    log = run / "log.jsonl"
    if not log.is_file():
        return
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    curve = [{key: round(value, 4) for key, value in line.items()} for line in lines if "psnr" in line]
    if curve:
        path.parent.mkdir(exist_ok=True)
        path.write_text("[\n " + ",\n ".join(map(json.dumps, curve)) + "\n]\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's folder, or a snapshot")
    parser.add_argument("name", help="of the model")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the test sets")
    parser.add_argument("--sets", help="measure on these alone, by their names in tables, with commas between")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that measure side by side")
    parser.add_argument("--single", action="store_true", help="weights in float32")
    return parser.parse_args()


if __name__ == "__main__":
    main()
