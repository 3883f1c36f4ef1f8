"""What each choice of the super-resolution networks bought: the small chain trained again with one of them changed.

    python training/ablation.py --data crops.db --plain-data all.db --run runs/ablation

`--plain-data` is the database made without `--min-detail`; both must hold out the same pictures. Every run is short and
goes on where it was stopped. All are measured on the same held-out crops of the first database, in colour and on Y, and
the record `training/ablation.json` becomes a table in `docs/results.md`. Short runs favour what learns fast: the table
says what helps within `--steps` steps, no more.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pellucid.learn.data.batches import Batches, mixed
from pellucid.learn.data.database import open_database
from pellucid.learn.recipes import Recipe, load_recipe
from pellucid.learn.training.callbacks import JsonLog
from pellucid.learn.training.job import Job
from pellucid.learn.training.load import load_run
from pellucid.learn.training.loop import train
from pellucid.learn.training.validation import ValidationCrops, psnrs

RECORD = Path(__file__).parent / "ablation.json"
RECIPE = "superres-x3-swift"
BASE = ("network.activation=relu",)  # as the recipe was when these were chosen
CROPS = 192


@dataclass(frozen=True)
class Change:
    """One choice made otherwise; `changes` are those of `pellucid train --set`."""

    words: str
    changes: tuple[str, ...] = ()
    plain_data: bool = False


CHANGES = {
    "base": Change("32 channels, 5 layers, collapsible, ReLU, RGB, L1, Muon, learned interpolation, detailed crops"),
    "adamw": Change("AdamW for hidden kernels too, in place of Muon", ("optimiser.muon=0",)),
    "prelu": Change("PReLU in place of ReLU", ("network.activation=prelu",)),
    "plain": Change("ordinary convolutions in place of collapsible ones", ("network.collapsible=false",)),
    "plain-prelu": Change("ordinary convolutions and PReLU", ("network.collapsible=false", "network.activation=prelu")),
    "bicubic": Change("fixed bicubic below the residual", ("network.learn_interpolation=false",)),
    "all-crops": Change("flat crops kept in the database", plain_data=True),
    "turning": Change("a chain that turns and mirrors with its picture", ("network.turning=true",)),
    "luma": Change("the Y channel alone; colours channel by channel", ("data.channels=luma",)),
    "l2": Change("squared error", ("loss=mse",)),
}


def main() -> None:
    options = _options()
    results = []
    for name, change in CHANGES.items():
        length = [f"steps={options.steps}", f"validation.every={options.steps}"]
        recipe = load_recipe(RECIPE, [*length, *BASE, *change.changes])
        run = options.run / name.replace(" ", "-")
        database = options.plain_data if change.plain_data else options.data
        train(Job(recipe, run, database, threads=options.threads, callbacks=(JsonLog(),)))
        colour, luma = measured(load_run(run)[0], recipe, options.data)
        print(f"{name:<14} {colour:.2f} dB, Y {luma:.2f} dB", flush=True)
        results.append({"name": name, "words": change.words, "psnr": round(colour, 3), "psnr_y": round(luma, 3)})
    record = {"recipe": RECIPE, "steps": options.steps, "crops": CROPS, "results": results}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(f"record: {RECORD}")


@torch.inference_mode()
def measured(network: nn.Module, recipe: Recipe, database: Path) -> tuple[float, float]:
    """PSNR in dB over all colours and on Y, on held-out crops that are the same for every change."""
    degradation, scale = recipe.data.degradation.settings, recipe.scale
    batches = Batches(open_database(database), 16, 96, recipe.seed, degradation, "rgb", "val")
    rows = []
    for x, target in ValidationCrops(batches, CROPS):
        if recipe.data.channels == "rgb":
            rows.append(torch.stack(psnrs(network(x), target, scale)))
            continue
        colour, _ = psnrs(one_by_one(network, x), target, scale)
        luma, _ = psnrs(network(mixed(x, "luma")), mixed(target, "luma"), scale)
        rows.append(torch.stack([colour, luma]))
    colour, luma = torch.cat(rows, dim=1).double().mean(dim=1).tolist()
    return colour, luma


def one_by_one(network: nn.Module, x: Tensor) -> Tensor:
    """A network of one channel on each colour. (n, 3, h, w) -> (n, 3, h s, w s)"""
    n, c, h, w = x.shape
    y = network(x.reshape(n * c, 1, h, w))
    return y.reshape(n, c, *y.shape[2:])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the database of detailed crops")
    parser.add_argument("--plain-data", type=Path, required=True, help="the one with flat crops too")
    parser.add_argument("--run", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
