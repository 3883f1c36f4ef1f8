"""One runner for all cases: peers and we in turn within one process, medians and spread, ratios pair by pair.

    python benchmarks/run.py [CASE...] [--peers torch,onnxruntime,openvino] [--threads 2] [--rounds 9] [--json FILE]
    python benchmarks/run.py [CASE...] --isa avx2 [--hold-peers]
    python benchmarks/run.py --list

Without a case, as `make bench` runs it, something of each kind is measured, which takes some ten minutes on two cores;
`--list` prints the names of all cases, of which a few alone take as long: A, B, C and D are chains of 3x3 convolutions
at four sizes. With `train` for a case the rest goes to `train.py`, which measures steps of training.

A ratio is the median over rounds of (peer's time / our time of the same round), so that a slow moment of the machine
falls on both. Operations are counted as for direct convolution, and shares are of the peak that the threads have in
float32 on the instruction set that we use, measured at the start: Winograd and bfloat16 may exceed it, and peers too
where that set is not the best. Errors are against float32 PyTorch. Peak memory is what a first run adds to a fresh
process that has loaded the network, its input and its output. `--record` writes a dated file with the machine in it to
`benchmarks/record/`.

`--isa` names the instruction set that we use; `--hold-peers` holds those peers to it whose kernels listen to oneDNN's
ONEDNN_MAX_CPU_ISA, which are OpenVINO's convolutions and torch's. The cases of whole processes run their commands in
turn from a cold start, files included.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads its threads

import argparse  # noqa: E402
import datetime  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Mapping  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from benchmarks.cases import CASES, DEFAULT, WHOLE_PROCESSES, Case, WholeProcess, picture  # noqa: E402
from benchmarks.contestants import BF16, CONTESTANTS, OURS, exported, opened, pixels_last  # noqa: E402
from benchmarks.memory import added_at_peak  # noqa: E402
from benchmarks.options import (  # noqa: E402
    Parser,
    expect_installed,
    expect_isa,
    in_one_line,
    known_names,
    known_peers,
    record_files,
    write_record,
)
from pellucid import _engine  # noqa: E402
from pellucid.errors import UsageError  # noqa: E402

EVERYTHING: dict[str, Case | WholeProcess] = {
    **{case.name: case for case in CASES},
    **{case.name: case for case in WHOLE_PROCESSES},
}
PAUSE = 0.05
"""Seconds between contestants: pools that spin after their work must be asleep before the next one starts."""


def main(words: list[str]) -> None:
    if words[:1] == ["train"]:
        from benchmarks import train

        return train.main(words[1:])
    options = _options(words)
    if options.list:
        print("\n".join(f"{name}{'  (by default)' * (name in DEFAULT)}" for name in EVERYTHING))
        return
    if options.memory_of:
        case = next(case for case in CASES if case.name == options.cases[0])
        print(_memory_here(case, options.memory_of, options.threads))
        return
    chosen = [EVERYTHING[name] for name in options.cases or DEFAULT]
    if any(isinstance(case, Case) for case in chosen):
        expect_installed(options.peers)
    files = record_files(options)
    if options.isa:
        _hold_to(options.isa, options.hold_peers)
    names = list(dict.fromkeys([*_ours(options.peers), *options.peers]))
    machine = _machine()
    print(machine_line(machine), flush=True)
    results = []
    for one in chosen:
        if isinstance(one, WholeProcess):
            results.append(measure_processes(one, options.rounds))
            print(table(results[-1]), flush=True)
            continue
        result = measure(one, names, options.threads, options.rounds, machine)
        if options.memory:
            for name, figures in result["contestants"].items():
                memory = _memory_in_a_fresh_process(one, name, result["output_bytes"], options.threads)
                figures["memory_mb"] = round(memory, 1)
        results.append(result)
        print(table(result), flush=True)
    record = {
        "date": datetime.date.today().isoformat(),
        "threads": options.threads,
        "peers held to": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "machine": machine,
        "cases": results,
    }
    write_record(record, files)


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
    operations, peak = _operations(module, x), peak_gflops(machine, threads)
    figures = {}
    for name in names:
        ours = "pellucid-bf16" if name in BF16 else "pellucid"
        median = statistics.median(seconds[name])
        figures[name] = {
            "ms": round(1000 * median, 3),
            "spread_ms": [round(1000 * min(seconds[name]), 3), round(1000 * max(seconds[name]), 3)],
            "ns_per_pixel": round(1e9 * median / (case.height * case.width), 2),
            "gflops": round(operations / median / 1e9, 1),
            "share_of_peak": round(operations / median / 1e9 / peak, 3),
            "error": errors[name],
        }
        if ours in seconds and name != ours:
            pairs = [peer / own for peer, own in zip(seconds[name], seconds[ours], strict=True)]
            figures[name]["ratio"] = round(statistics.median(pairs), 3)
    result = {"case": case.name, "operations": operations, "peak_gflops": round(peak, 1), "output_bytes": right.nbytes}
    return result | {"contestants": figures}


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
    lines = [result["case"]]
    if "operations" in result:
        lines[0] += f": {result['operations'] / 1e9:.1f} GFLOP; peak {result['peak_gflops']:.1f} GFLOP/s"
    for name, f in result["contestants"].items():
        ratio = f"{f['ratio']:5.2f} x ours" if "ratio" in f else " " * 12
        memory = f"  {f['memory_mb']:6.1f} MB" if "memory_mb" in f else ""
        spread = f"{f['spread_ms'][0]:.1f} to {f['spread_ms'][1]:.1f}"
        speed = ""
        if "gflops" in f:
            share = f"{100 * f['share_of_peak']:4.0f} % of peak"
            speed = f"{f['ns_per_pixel']:8.1f} ns/pixel {f['gflops']:7.1f} GFLOP/s {share}  error {f['error']:.1e}"
        lines.append(f"  {name:<15} {f['ms']:8.2f} ms  ({spread})  {ratio}  {speed}{memory}")
    return "\n".join(lines)


def machine_line(machine: Mapping[str, Any]) -> str:
    rates = "GB/s from L1, L2, L3, memory"
    return (
        f"{machine['processor']}, {machine['threads']} threads, {machine['in use']}; a core's peaks: "
        f"{machine['float32 GFLOP/s']:.1f} GFLOP/s in float32, {', '.join(map(str, machine[rates]))} {rates}"
    )


def peak_gflops(machine: Mapping[str, Any], threads: int) -> float:
    """Of so many threads in float32; those beyond the cores add nothing."""
    return machine["float32 GFLOP/s"] * min(threads, machine["threads"])


def _operations(module: torch.nn.Module, x: np.ndarray) -> int:
    """Of convolutions and dense layers: two for each multiply-add."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.from_numpy(x).permute(0, 3, 1, 2))
    return counter.get_total_flops()


def _memory_in_a_fresh_process(case: Case, name: str, output_bytes: int, threads: int) -> float:
    """Our model file is made here: export runs a network, and the engine keeps a result's memory for the next one."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/case.safetensors"
        if name in OURS:
            exported(case.network(), picture(case.height, case.width, case.channels), path)
        command = [sys.executable, __file__, case.name, "--threads", str(threads)]
        command += ["--memory-of", name, str(output_bytes), path]
        return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def _memory_here(case: Case, told: list[str], threads: int) -> float:
    """Megabytes that the first run adds at its peak, beyond its output."""
    name, output_bytes, path = told
    x = picture(case.height, case.width, case.channels)
    run = opened(path, OURS[name], x, threads) if name in OURS else CONTESTANTS[name](case.network(), x, threads)
    return added_at_peak(run, int(output_bytes))


def _machine() -> dict:
    from pellucid.cli.machine import describe

    return describe(measure=True)


def _hold_to(isa: str, peers_too: bool) -> None:
    """Here, and in the processes that we start; oneDNN asks at its first convolution."""
    os.environ["PELLUCID_ISA"] = isa
    _engine.set_isa(isa)
    if peers_too:
        os.environ["ONEDNN_MAX_CPU_ISA"] = {"avx512": "AVX512_CORE", "scalar": "SSE41"}.get(isa, isa.upper())


def _ours(peers: list[str]) -> list[str]:
    """In bfloat16 too beside peers that are, or alone where the processor is made for it."""
    in_bf16 = BF16 & set(peers) or (not peers and _engine.isa() == "amx")
    return ["pellucid"] + (["pellucid-bf16"] if in_bf16 else [])


def _options(words: list[str]) -> argparse.Namespace:
    parser = Parser(__doc__, peers=list(CONTESTANTS), chosen="torch,onnxruntime,openvino", rounds=9)
    parser.add_argument("--isa", help="the instruction set that we use, as PELLUCID_ISA names it")
    parser.add_argument("--hold-peers", action="store_true", help="hold oneDNN's kernels to --isa too")
    options = parser.parse_args(words)
    options.cases = known_names("case", options.cases, list(EVERYTHING))
    options.peers = known_peers(options.peers, list(CONTESTANTS))
    expect_isa(options.isa)
    if options.hold_peers and not options.isa:
        raise UsageError("--hold-peers holds peers to --isa", seen="no --isa", expected="both", hint="--isa avx2")
    return options


if __name__ == "__main__":
    sys.exit(in_one_line(main, sys.argv[1:]))
