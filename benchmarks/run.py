"""One runner for all cases: peers and we in turn within one process, medians and spread, ratios pair by pair.

    python benchmarks/run.py [CASE...] [--peers torch,onnxruntime,openvino] [--threads 2] [--rounds 15] [--json FILE]

A ratio is the median over rounds of (peer's time / our time of the same round), so that a slow moment of the machine
falls on both. Errors are against float32 PyTorch. Peak memory is what a run adds to a fresh process that has loaded the
network and its input. `--record` writes a dated file with the machine in it to `benchmarks/record/`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads its threads

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
import torch  # noqa: E402

from benchmarks.cases import CASES, Case, picture  # noqa: E402
from benchmarks.contestants import BF16, CONTESTANTS  # noqa: E402

RECORDS = Path(__file__).parent / "record"
PAUSE = 0.05
"""Seconds between contestants: pools that spin after their work must be asleep before the next one starts."""


def main() -> None:
    options = _options()
    if options.memory_of:
        print(_memory_here(_case(options.cases[0]), options.memory_of, options.threads))
        return
    cases = [_case(name) for name in options.cases] if options.cases else CASES
    names = [*_ours(options.peers), *options.peers]
    machine = _machine()
    results = []
    for case in cases:
        result = measure(case, names, options.threads, options.rounds, machine)
        if options.memory:
            for name, figures in result["contestants"].items():
                figures["memory_mb"] = _memory_in_a_fresh_process(case, name, options.threads)
        results.append(result)
        print(table(result), flush=True)
    record = {
        "date": datetime.date.today().isoformat(),
        "threads": options.threads,
        "machine": machine,
        "cases": results,
    }
    if options.json:
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n")
    if options.record:
        path = RECORDS / f"{record['date']}-{options.record}.json"
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"record: {path}", file=sys.stderr)


def measure(case: Case, names: list[str], threads: int, rounds: int, machine: dict) -> dict:
    """Seconds of every contestant over the rounds, ratios against ours of the same precision, errors."""
    x = picture(case.height, case.width, case.channels)
    module = case.network()
    with torch.inference_mode():
        right = module(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    runs = {name: CONTESTANTS[name](module, x, threads) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    errors = {}
    for name, run in runs.items():
        errors[name] = float(np.abs(run() - right).max() / np.abs(right).max())
        run()  # warm
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    operations = 2 * _multiply_adds(module, x)
    figures = {}
    for name in names:
        ours = "pellucid-bf16" if name in BF16 else "pellucid"
        median = statistics.median(seconds[name])
        figures[name] = {
            "ms": round(1000 * median, 3),
            "spread_ms": [round(1000 * min(seconds[name]), 3), round(1000 * max(seconds[name]), 3)],
            "gflops": round(operations / median / 1e9, 1),
            "error": errors[name],
        }
        if ours in seconds and name != ours:
            pairs = [peer / own for peer, own in zip(seconds[name], seconds[ours], strict=True)]
            figures[name]["ratio"] = round(statistics.median(pairs), 3)
    return {"case": case.name, "operations": operations, "contestants": figures}


def table(result: dict) -> str:
    lines = [f"{result['case']}: {result['operations'] / 1e9:.1f} GFLOP"]
    for name, f in result["contestants"].items():
        ratio = f"{f['ratio']:5.2f} x ours" if "ratio" in f else " " * 12
        memory = f"  {f['memory_mb']:6.0f} MB" if "memory_mb" in f else ""
        spread = f"{f['spread_ms'][0]:.1f} to {f['spread_ms'][1]:.1f}"
        speed = f"{f['gflops']:7.1f} GFLOP/s  error {f['error']:.1e}"
        lines.append(f"  {name:<15} {f['ms']:8.2f} ms  ({spread})  {ratio}  {speed}{memory}")
    return "\n".join(lines)


def _multiply_adds(module: torch.nn.Module, x: np.ndarray) -> int:
    """Of convolutions and dense layers, counted as they run."""
    total = 0

    def count(layer: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal total
        positions = output.numel() // output.shape[1]
        if isinstance(layer, torch.nn.ConvTranspose2d):
            positions = inputs[0].numel() // inputs[0].shape[1]
        total += positions * layer.weight.numel()

    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear)
    hooks = [layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, kinds)]
    with torch.inference_mode():
        module(torch.from_numpy(x).permute(0, 3, 1, 2))
    for hook in hooks:
        hook.remove()
    return total


def _memory_in_a_fresh_process(case: Case, name: str, threads: int) -> float:
    command = [sys.executable, __file__, case.name, "--memory-of", name, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _memory_here(case: Case, name: str, threads: int) -> float:
    """Megabytes that the first run adds at its peak, its output included."""
    run = CONTESTANTS[name](case.network(), picture(case.height, case.width, case.channels), threads)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is in use now
    before = _status("VmHWM")
    run()
    return (_status("VmHWM") - before) / 1000


def _status(field: str) -> int:
    """A line of this process's status, in kilobytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def _machine() -> dict:
    from pellucid.cli.machine import describe

    return describe(measure=True)


def _case(name: str) -> Case:
    for case in CASES:
        if case.name == name:
            return case
    sys.exit(f"unknown case {name!r}; expected one of {', '.join(c.name for c in CASES)}")


def _ours(peers: list[str]) -> list[str]:
    return ["pellucid"] + (["pellucid-bf16"] if BF16 & set(peers) else [])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--peers", default="torch,onnxruntime,openvino", help=f"of {', '.join(CONTESTANTS)}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--memory", action="store_true", help="measure peak memory too, in fresh processes")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json")
    options = parser.parse_args()
    options.peers = [name for name in options.peers.split(",") if name]
    for name in options.peers:
        if name not in CONTESTANTS:
            parser.error(f"unknown peer {name!r}; expected some of {', '.join(CONTESTANTS)}")
    return options


if __name__ == "__main__":
    main()
