"""The same small training on the engine and on torch, with several seeds each: do they end equally well?

    python benchmarks/convergence.py [--data crops.db] [--runs runs/convergence] [--seeds 7,8,9] [--record NAME]

Both begin with the same weights and see the same batches; only their roundings differ, and after some hundred steps the
weights do too. Exits with 1 if the means of the final validation PSNR are further apart than 0.03 dB. Without a crop
database pictures are drawn, whose grain nobody can learn: photographs are the harder test. Repeated after an
interruption it goes on where it was.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.options import RECORDS
from benchmarks.run import _machine
from pellucid.learn.recipes import load_recipe
from pellucid.learn.training.figures import PictureFigures
from pellucid.learn.training.job import Job
from pellucid.learn.training.loop import train

ENGINES = ("pellucid", "torch")
APART = 0.03
"""dB between the means; runs of different seeds are further apart than that."""
DRAWN = 40
CHANGES = (
    "scale=2",
    "network.channels=12",
    "network.layers=3",
    "data.patch=32",
    "data.batch=8",
    "optimiser.rate=3e-3",
    "optimiser.warm_up=100",
    "average=0.99",
    "validation.every=1000000",
    "precision=fp32",
    "checkpoint_seconds=20",
)


def final_psnr(engine: str, seed: int, options: argparse.Namespace) -> float:
    steps, data = options.steps, options.data
    drawn = f"data.pictures={0 if data else DRAWN}"
    recipe = load_recipe("superres", [*CHANGES, drawn, f"seed={seed}", f"steps={steps}"])
    run = options.runs / f"{data.stem if data else 'drawn'}-{engine}-{seed}-{steps}"
    outcome = train(Job(recipe, run, data, threads=1, engine=engine))
    if not isinstance(outcome.figures, PictureFigures) or outcome.ending == "stopped":
        sys.exit("stopped; the same command goes on")
    return outcome.figures.psnr


def main() -> None:
    options = _options()
    psnr: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for seed in options.seeds:
        for engine in ENGINES:
            psnr[engine].append(final_psnr(engine, seed, options))
            print(f"seed {seed}, {engine:<8} {psnr[engine][-1]:.4f} dB", flush=True)
    for engine, values in psnr.items():
        print(f"{engine:<8} {statistics.mean(values):.4f} dB, {min(values):.4f} to {max(values):.4f}")
    apart = abs(statistics.mean(psnr["pellucid"]) - statistics.mean(psnr["torch"]))
    print(f"apart    {apart:.4f} dB of {APART} allowed")
    if options.record:
        today = datetime.date.today().isoformat()
        record = {"date": today, "machine": _machine(), "data": options.data and options.data.name}
        record |= {"steps": options.steps, "seeds": options.seeds}
        path = RECORDS / f"{today}-{options.record}.json"
        text = json.dumps(record | {"changes": CHANGES, "psnr": psnr, "apart": apart}, indent=1)
        path.write_text(text + "\n")
        print(f"record: {path}", file=sys.stderr)
    sys.exit(apart > APART)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a crop database")
    parser.add_argument("--runs", type=Path, default=Path("runs/convergence"))
    parser.add_argument("--seeds", default="7,8,9")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json")
    options = parser.parse_args()
    options.seeds = [int(seed) for seed in options.seeds.split(",")]
    return options


if __name__ == "__main__":
    main()
