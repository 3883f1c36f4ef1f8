"""How long each model that ships takes for a picture of 640 x 360, in memory, by the engine.

    python benchmarks/models.py [MODEL...] [--threads 2] [--rounds 9] [--record models]

Medians over rounds in which all models take turns; `docs/results.md` is made from the newest record. Models for whole
pictures alone are left out: what they take depends on nothing that a user chooses.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pellucid  # noqa: E402
from benchmarks.cases import picture  # noqa: E402
from pellucid import models  # noqa: E402
from pellucid.cli.machine import describe  # noqa: E402

RECORDS = Path(__file__).parent / "record"
HEIGHT, WIDTH = 360, 640
TASKS = ("superres", "denoise")
PAUSE = 0.05


def main() -> None:
    options = _options()
    networks = {name: pellucid.load(name) for name in options.models or models.names()}
    chosen = {name: network for name, network in networks.items() if network.card.task in TASKS}
    seconds = measure(chosen, options.threads, options.rounds)
    found = {name: figures(chosen[name], values) for name, values in seconds.items()}
    for name, f in found.items():
        print(f"{name:<20} {f['ms']:8.1f} ms ({f['spread_ms'][0]:.1f} to {f['spread_ms'][1]:.1f})  "
              f"{f['seconds_per_megapixel']:.3f} s/megapixel, {f['precision']}")  # fmt: skip
    if options.record:
        today = datetime.date.today().isoformat()
        record = {"date": today, "threads": options.threads, "machine": describe(measure=True), "models": found}
        path = RECORDS / f"{today}-{options.record}.json"
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"record: {path}", file=sys.stderr)


def measure(networks: dict[str, pellucid.Network], threads: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of every round but a first one that warms."""
    inputs = {name: picture(HEIGHT, WIDTH, network.graph.channels) for name, network in networks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(rounds + 1):
        for name, network in networks.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            network.run(inputs[name], threads=threads)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def figures(network: pellucid.Network, seconds: list[float]) -> dict[str, object]:
    """A megapixel is one of the result's."""
    median = statistics.median(seconds)
    megapixels = HEIGHT * WIDTH * (network.card.scale or 1) ** 2 / 1e6
    return {
        "ms": round(1000 * median, 2),
        "spread_ms": [round(1000 * min(seconds), 2), round(1000 * max(seconds), 2)],
        "seconds_per_megapixel": round(median / megapixels, 4),
        "precision": network.precision_in_words("auto"),
        "parameters": network.parameters,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json; docs read `models`")
    return parser.parse_args()


if __name__ == "__main__":
    main()
