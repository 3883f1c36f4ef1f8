"""Steps of training: forward, mean squared error, backward and Adam, on the engine and on torch, in turn.

    python benchmarks/train.py [CASE...] [--peers torch,torch-bf16] [--threads 2] [--rounds 9] [--isa avx2] [--memory]

We are `accelerate`, `losses.MeanSquared` and `AdamW`; torch is channels_last, `mse_loss` and the fused Adam. A ratio is
the median over rounds of (peer's time / our time of the same round), so that a slow moment of the machine falls on
both. Every contestant begins with the same weights and batch; its gradients in the first step are compared with torch's
in float64 in the same run. Where the processor has matrix tiles we train in bfloat16 as well, and are held against by
torch in bfloat16. `--isa avx2` holds everyone to AVX2, in a process of its own. Shares are of the peak that the threads
have in float32, measured at the start. Peak memory is what two steps add to a fresh process that has the network and
its batch; what torch-compile compiles counts, too. `--record` writes a dated file with the machine in it to
`benchmarks/record/`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads its threads

import argparse  # noqa: E402
import datetime  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from contextlib import nullcontext  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

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
from benchmarks.run import PAUSE, _machine, machine_line, peak_gflops  # noqa: E402
from pellucid.learn import accelerate  # noqa: E402
from pellucid.learn.layers import on_tiles  # noqa: E402
from pellucid.learn.losses import MeanSquared  # noqa: E402
from pellucid.learn.training.adam import AdamW  # noqa: E402

PEERS = ("torch", "torch-bf16", "torch-compile")
OURS, OURS_BF16 = "pellucid", "pellucid-bf16"
HELD = {"avx2": {"PELLUCID_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
"""What holds us, torch and oneDNN beneath it to an instruction set."""


def ours() -> list[str]:
    return [OURS, OURS_BF16] if on_tiles.present() else [OURS]


@dataclass(frozen=True)
class Case:
    """A chain of 3x3 convolutions with ReLU between them."""

    name: str
    widths: tuple[int, ...]
    batch: int = 16
    size: int = 64

    def network(self) -> nn.Sequential:
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for wide, out in zip(self.widths, self.widths[1:], strict=False):
            layers += [nn.Conv2d(wide, out, 3, padding=1), nn.ReLU()]
            nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        return nn.Sequential(*layers[:-1])

    def batches(self) -> tuple[Tensor, Tensor]:
        random = torch.Generator().manual_seed(1)
        x = torch.rand((self.batch, self.widths[0], self.size, self.size), generator=random)
        target = torch.rand((self.batch, self.widths[-1], self.size, self.size), generator=random)
        return x.to(memory_format=torch.channels_last), target.to(memory_format=torch.channels_last)


CASES = (
    Case("five-64", (64,) * 6),
    Case("superres-64", (3, *(64,) * 6, 27)),
    Case("superres-32", (3, *(32,) * 6, 27)),
    Case("denoise-64", (3, *(64,) * 16, 3), size=50),
)
CASES_BY_NAME = {case.name: case for case in CASES}


class Contestant:
    def __init__(self, name: str, case: Case) -> None:
        self.name = name
        self.network = case.network()
        self.is_ours, self.in_bf16 = name in (OURS, OURS_BF16), name.endswith("bf16")
        if self.is_ours:
            accelerate(self.network)  # takes weights as torch makes them: channels_last ones would be copied
        else:
            self.network.to(memory_format=torch.channels_last)
        self.forward: Callable[[Tensor], Tensor] = (
            torch.compile(self.network) if name == "torch-compile" else self.network
        )
        parameters = self.network.parameters()
        self.optimiser: torch.optim.Optimizer = (
            AdamW(parameters, lr=1e-4, weight_decay=0)
            if self.is_ours
            else torch.optim.Adam(parameters, lr=1e-4, fused=True)
        )
        self.x, self.target = case.batches()

    def gradients(self) -> list[Tensor]:
        self.optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if self.in_bf16 else nullcontext():
            output = self.forward(self.x)
        loss = MeanSquared()(output, self.target) if self.is_ours else F.mse_loss(output.float(), self.target)
        loss.backward()
        return [p.grad for p in self.network.parameters() if p.grad is not None]

    def step(self) -> None:
        self.gradients()
        self.optimiser.step()


def measure(case: Case, names: list[str], rounds: int, peak: float) -> dict:
    """Seconds of every contestant over the rounds, ratios against ours of the same precision if we have it, the largest
    error of a gradient."""
    contestants = [Contestant(name, case) for name in names]
    right = _right_gradients(case)
    errors = {}
    for contestant in contestants:
        pairs = zip(contestant.gradients(), right, strict=True)
        errors[contestant.name] = max(float((seen - g).abs().max() / g.abs().max()) for seen, g in pairs)
        contestant.step()  # warm
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for contestant in contestants:
            time.sleep(PAUSE)
            start = time.perf_counter()
            contestant.step()
            seconds[contestant.name].append(time.perf_counter() - start)
    pixels = case.batch * case.size**2
    operations = 2 * 9 * pixels * 3 * sum(a * b for a, b in zip(case.widths, case.widths[1:], strict=False))
    figures = {}
    for name, times in seconds.items():
        own_name = OURS_BF16 if name.endswith("bf16") and OURS_BF16 in seconds else OURS
        ratios = [peer / own for peer, own in zip(times, seconds[own_name], strict=True)]
        figures[name] = {
            "ms": round(1000 * statistics.median(times), 2),
            "spread_ms": [round(1000 * min(times), 2), round(1000 * max(times), 2)],
            "gflops": round(operations / statistics.median(times) / 1e9, 1),
            "share_of_peak": round(operations / statistics.median(times) / 1e9 / peak, 3),
            "ratio": round(statistics.median(ratios), 3),
            "gradient_error": errors[name],
        }
    return {"case": case.name, "operations": operations, "peak_gflops": round(peak, 1), "contestants": figures}


def _right_gradients(case: Case) -> list[Tensor]:
    network = case.network().double()
    x, target = (t.double() for t in case.batches())
    F.mse_loss(network(x), target).backward()
    return [p.grad for p in network.parameters() if p.grad is not None]


def _memory_in_a_fresh_process(case: Case, name: str, threads: int) -> float:
    command = [sys.executable, __file__, case.name, "--memory-of", name, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _memory_here(case: Case, name: str) -> float:
    """Megabytes that two steps add at their peak: maps, gradients, the optimiser's averages, scratch."""
    contestant = Contestant(name, case)

    def two_steps() -> None:
        for _ in range(2):
            contestant.step()

    return added_at_peak(two_steps)


def table(result: dict) -> str:
    lines = [
        f"{result['case']}: {result['operations'] / 1e9:.0f} GFLOP a step; peak {result['peak_gflops']:.1f} GFLOP/s"
    ]
    for name, f in result["contestants"].items():
        spread = f"{f['spread_ms'][0]:.0f} to {f['spread_ms'][1]:.0f}"
        speed = f"{f['gflops']:6.0f} GFLOP/s {100 * f['share_of_peak']:4.0f} % of peak"
        error = f"gradients within {f['gradient_error']:.0e}"
        error += f"  {f['memory_mb']:5.0f} MB" if "memory_mb" in f else ""
        lines.append(f"  {name:<14} {f['ms']:8.1f} ms  ({spread})  {f['ratio']:5.2f} x ours  {speed}  {error}")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    options = _options(words)
    if options.list:
        print("\n".join(CASES_BY_NAME))
        return
    held = HELD.get(options.isa, {})
    if any(os.environ.get(name) != value for name, value in held.items()):
        sys.exit(subprocess.run([sys.executable, __file__, *words], env=os.environ | held).returncode)
    torch.set_num_threads(options.threads)
    cases = [CASES_BY_NAME[name] for name in options.cases or CASES_BY_NAME]
    if options.memory_of:
        print(_memory_here(cases[0], *options.memory_of))
        return
    expect_installed(options.peers)
    files = record_files(options)
    machine = _machine()
    print(machine_line(machine), flush=True)
    results = []
    for case in cases:
        results.append(measure(case, [*ours(), *options.peers], options.rounds, peak_gflops(machine, options.threads)))
        for name, figures in results[-1]["contestants"].items() if options.memory else ():
            figures["memory_mb"] = round(_memory_in_a_fresh_process(case, name, options.threads), 1)
        print(table(results[-1]), flush=True)
    record = {
        "date": datetime.date.today().isoformat(),
        "threads": options.threads,
        "held to": options.isa,
        "machine": machine,
        "cases": results,
    }
    write_record(record, files)


def _options(words: list[str]) -> argparse.Namespace:
    parser = Parser(__doc__, peers=PEERS, chosen="torch,torch-bf16", rounds=9)
    parser.add_argument("--isa", help=f"hold everyone to this instruction set, of {', '.join(HELD)}")
    options = parser.parse_args(words)
    options.cases = known_names("case", options.cases, list(CASES_BY_NAME))
    options.peers = known_peers(options.peers, PEERS)
    if options.isa:
        known_names("instruction set", [options.isa], list(HELD))
        expect_isa(options.isa)
    return options


if __name__ == "__main__":
    sys.exit(in_one_line(main, sys.argv[1:]))
