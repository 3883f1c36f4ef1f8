"""One runner for all cases: peers and we in turn within one process, medians and spread, ratios pair by pair.

    python benchmarks/run.py [CASE...] [--peers torch,onnxruntime,openvino] [--threads 2] [--rounds 15] [--json FILE]
    python benchmarks/run.py [CASE...] --isa avx2 [--hold-peers]

A ratio is the median over rounds of (peer's time / our time of the same round), so that a slow moment of the machine
falls on both. Errors are against float32 PyTorch. Peak memory is what a run adds to a fresh process that has loaded the
network, its input and its output. `--record` writes a dated file with the machine in it to `benchmarks/record/`. With
`train` for a case the rest goes to `train.py`, which measures steps of training.

`--isa` names the instruction set that we use; `--hold-peers` holds those peers to it whose kernels listen to oneDNN's
ONEDNN_MAX_CPU_ISA, which are OpenVINO's convolutions and torch's. The cases of whole processes run their commands in
turn from a cold start, files included.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads its threads
if "--isa" in sys.argv[:-1]:  # before anything asks for the processor
    os.environ["PELLUCID_ISA"] = isa = sys.argv[sys.argv.index("--isa") + 1]
    if "--hold-peers" in sys.argv:
        os.environ["ONEDNN_MAX_CPU_ISA"] = {"avx512": "AVX512_CORE", "scalar": "SSE41"}.get(isa, isa.upper())

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from benchmarks.cases import CASES, WHOLE_PROCESSES, Case, WholeProcess, picture  # noqa: E402
from benchmarks.contestants import BF16, CONTESTANTS, pixels_last  # noqa: E402

RECORDS = Path(__file__).parent / "record"
PAUSE = 0.05
"""Seconds between contestants: pools that spin after their work must be asleep before the next one starts."""


def main() -> None:
    if sys.argv[1:2] == ["train"]:
        from benchmarks import train

        del sys.argv[1]
        return train.main()
    options = _options()
    if options.memory_of:
        (case,) = (case for case in CASES if case.name == options.cases[0])
        print(_memory_here(case, options.memory_of, options.threads))
        return
    cases = [_case(name) for name in options.cases] if options.cases else [*CASES, *WHOLE_PROCESSES]
    names = [*_ours(options.peers), *options.peers]
    machine = _machine()
    results = []
    for case in cases:
        if isinstance(case, WholeProcess):
            results.append(measure_processes(case, options.rounds))
            print(table(results[-1]), flush=True)
            continue
        result = measure(case, names, options.threads, options.rounds, machine)
        if options.memory:
            for name, figures in result["contestants"].items():
                figures["memory_mb"] = _memory_in_a_fresh_process(case, name, options.threads)
        results.append(result)
        print(table(result), flush=True)
    record = {
        "date": datetime.date.today().isoformat(),
        "threads": options.threads,
        "peers held to": os.environ.get("ONEDNN_MAX_CPU_ISA"),
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
        right = pixels_last(module(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy())
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
    operations = _operations(module, x)
    figures = {}
    for name in names:
        ours = "pellucid-bf16" if name in BF16 else "pellucid"
        median = statistics.median(seconds[name])
        figures[name] = {
            "ms": round(1000 * median, 3),
            "spread_ms": [round(1000 * min(seconds[name]), 3), round(1000 * max(seconds[name]), 3)],
            "ns_per_pixel": round(1e9 * median / (case.height * case.width), 2),
            "gflops": round(operations / median / 1e9, 1),
            "error": errors[name],
        }
        if ours in seconds and name != ours:
            pairs = [peer / own for peer, own in zip(seconds[name], seconds[ours], strict=True)]
            figures[name]["ratio"] = round(statistics.median(pairs), 3)
    return {"case": case.name, "operations": operations, "contestants": figures}


def measure_processes(case: WholeProcess, rounds: int) -> dict:
    """Seconds of whole commands in turn, interpreter, imports and files included."""
    from pellucid import picture as pictures

    seconds: dict[str, list[float]] = {name: [] for name in case.commands}
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/small.png", f"{folder}/large.png"
        places = dict(source=source, target=target, python=sys.executable, scripts=Path(sys.executable).parent)
        pixels = np.rint(255 * picture(case.height, case.width)[0]).astype(np.uint8)
        pictures.write(source, pictures.Picture(pixels))
        for round_ in range(rounds + 1):
            for name, words in case.commands.items():
                time.sleep(PAUSE)
                command = [word.format_map(places) for word in words]
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[1])
                if round_:  # the first one reads the files of the installation from disk
                    seconds[name].append(time.perf_counter() - start)
    figures: dict[str, dict] = {}
    for name, all_ in seconds.items():
        figures[name] = {"ms": round(1000 * statistics.median(all_), 1)}
        figures[name]["spread_ms"] = [round(1000 * min(all_), 1), round(1000 * max(all_), 1)]
        if name != "pellucid":
            pairs = [peer / own for peer, own in zip(all_, seconds["pellucid"], strict=True)]
            figures[name]["ratio"] = round(statistics.median(pairs), 3)
    return {"case": case.name, "contestants": figures}


def table(result: dict) -> str:
    lines = [result["case"] + (f": {result['operations'] / 1e9:.1f} GFLOP" if "operations" in result else "")]
    for name, f in result["contestants"].items():
        ratio = f"{f['ratio']:5.2f} x ours" if "ratio" in f else " " * 12
        memory = f"  {f['memory_mb']:6.0f} MB" if "memory_mb" in f else ""
        spread = f"{f['spread_ms'][0]:.1f} to {f['spread_ms'][1]:.1f}"
        speed = ""
        if "gflops" in f:
            speed = f"{f['ns_per_pixel']:8.1f} ns/pixel {f['gflops']:7.1f} GFLOP/s  error {f['error']:.1e}"
        lines.append(f"  {name:<15} {f['ms']:8.2f} ms  ({spread})  {ratio}  {speed}{memory}")
    return "\n".join(lines)


def _operations(module: torch.nn.Module, x: np.ndarray) -> int:
    """Of convolutions and dense layers: two for each multiply-add."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.from_numpy(x).permute(0, 3, 1, 2))
    return counter.get_total_flops()


def _memory_in_a_fresh_process(case: Case, name: str, threads: int) -> float:
    command = [sys.executable, __file__, case.name, "--memory-of", name, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _memory_here(case: Case, name: str, threads: int) -> float:
    """Megabytes that the first run adds at its peak, beyond its output."""
    run = CONTESTANTS[name](case.network(), picture(case.height, case.width, case.channels), threads)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is in use now
    before = _status("VmHWM")
    output = run()
    return (_status("VmHWM") - before) / 1000 - output.nbytes / 1e6


def _status(field: str) -> int:
    """A line of this process's status, in kilobytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def _machine() -> dict:
    from pellucid.cli.machine import describe

    return describe(measure=True)


def _case(name: str) -> Case | WholeProcess:
    everything = {case.name: case for case in [*CASES, *WHOLE_PROCESSES]}
    if name not in everything:
        sys.exit(f"unknown case {name!r}; expected one of {', '.join(everything)}")
    return everything[name]


def _ours(peers: list[str]) -> list[str]:
    """In bfloat16 too beside peers that are, or alone where the processor is made for it."""
    from pellucid import _engine

    in_bf16 = BF16 & set(peers) or (not peers and _engine.isa() == "amx")
    return ["pellucid"] + (["pellucid-bf16"] if in_bf16 else [])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--peers", default="torch,onnxruntime,openvino", help=f"of {', '.join(CONTESTANTS)}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isa", help="the instruction set that we use, as PELLUCID_ISA names it")
    parser.add_argument("--hold-peers", action="store_true", help="hold oneDNN's kernels to --isa too")
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
