"""An epoch of `pellucid train mnist`, on the engine and on torch in turn: seconds, and what is learned by it.

    python benchmarks/epoch.py --data MNIST [--threads 2] [--rounds 3] [--steps 468] [--record NAME]

The second document reports 7.4, then 4.3 s an epoch of 468 batches of 128 on a graphics card, and 98.64 % after it.
Each run is the whole of training but the start and validation: batches made and bent, both passes, Adam, the average
of the weights. It is a training of one epoch, so its rate falls to the end of that; runs of a round share their seed,
those of another round have another. `--record` writes a dated file with the machine in it to `benchmarks/record/`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads its threads

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.options import RECORDS  # noqa: E402
from benchmarks.run import _machine  # noqa: E402
from pellucid.learn.recipes import load_recipe  # noqa: E402
from pellucid.learn.training.callbacks import Callback, Report  # noqa: E402
from pellucid.learn.training.job import Job  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.naming import measure_on_test  # noqa: E402

ENGINES = ("pellucid", "torch")
FIRST_SEED = 7


class Rate(Callback):
    """Keeps the one report of a run whose report comes at its end."""

    def reported(self, report: Report) -> None:
        self.images_per_second = report.images_per_second
        self.waited = report.waited


def one_run(engine: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    steps, rate = options.steps, Rate()
    recipe = load_recipe("mnist", [f"steps={steps}", f"log_every={steps}", f"seed={seed}"])
    with tempfile.TemporaryDirectory() as run:
        job = Job(recipe, Path(run), options.data, threads=options.threads, engine=engine, callbacks=(rate,))
        outcome = train(job)
        if outcome.ending == "stopped":
            sys.exit("stopped")
        test = measure_on_test(job.run, options.data)
    seconds = steps * recipe.data.batch / rate.images_per_second
    return {"seconds": seconds, "held out": outcome.figures.accuracy, "test": test.accuracy, "waited": rate.waited}


def summary(runs: dict[str, list[dict[str, float]]]) -> dict[str, dict]:
    """Medians and spread of every engine, and by how much torch takes longer in the same round."""
    ours = [run["seconds"] for run in runs[ENGINES[0]]]
    figures = {}
    for engine, found in runs.items():
        seconds = [run["seconds"] for run in found]
        figures[engine] = {
            "seconds": round(statistics.median(seconds), 2),
            "spread": [round(min(seconds), 2), round(max(seconds), 2)],
            "ratio": round(statistics.median(a / b for a, b in zip(seconds, ours, strict=True)), 3),
            **{part: [round(run[part], 4) for run in found] for part in ("held out", "test", "waited")},
        }
    return figures


def main() -> None:
    options = _options()
    runs: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
    for round_ in range(options.rounds):
        for engine in ENGINES:
            runs[engine].append(one_run(engine, FIRST_SEED + round_, options))
            found = runs[engine][-1]
            how_good = f"held out {found['held out']:.2%}, test {found['test']:.2%}"
            print(f"{engine:<8} {found['seconds']:6.2f} s  {how_good}", flush=True)
    figures = summary(runs)
    for engine, found in figures.items():
        print(f"{engine:<8} {found['seconds']:6.2f} s an epoch, {found['ratio']:.2f} x ours")
    if options.record:
        today = datetime.date.today().isoformat()
        record = {"date": today, "threads": options.threads, "steps": options.steps, "machine": _machine()}
        path = RECORDS / f"{today}-{options.record}.json"
        path.write_text(json.dumps(record | {"engines": figures}, indent=1) + "\n")
        print(f"record: {path}", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with MNIST's four idx files")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=468)
    parser.add_argument("--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
