"""Steps of training: forward, mean squared error, backward and Adam, on the engine and on torch, in turn.

    python benchmarks/train.py [CASE...] [--peers torch,torch-bf16] [--threads 2] [--rounds 9] [--isa avx2] [--memory]

We are `accelerate`, `losses.MeanSquared` and `AdamW`; torch is channels_last, `mse_loss` and the fused Adam. A ratio is
the median over rounds of (peer's time / our time of the same round), so that a slow moment of the machine falls on
both. Every contestant begins with the same weights and batch; its gradients in the first step are compared with torch's
in float64 in the same run. Where the processor has matrix tiles we train in bfloat16 as well, and are held against by
torch in bfloat16. `--isa avx2` holds everyone to AVX2, in a process of its own. Peak memory is
what two steps add to a fresh process that has the network and its batch. `--record` writes a dated file with the
machine in it to `benchmarks/record/`.
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
from collections.abc import Callable  # noqa: E402
from contextlib import nullcontext  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from benchmarks.run import PAUSE, RECORDS, _machine, _status  # noqa: E402
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


def measure(case: Case, names: list[str], rounds: int) -> dict:
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
            "ratio": round(statistics.median(ratios), 3),
            "gradient_error": errors[name],
        }
    return {"case": case.name, "operations": operations, "contestants": figures}


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
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is in use now
    before = _status("VmHWM")
    for _ in range(2):
        contestant.step()
    return (_status("VmHWM") - before) / 1000


def table(result: dict) -> str:
    lines = [f"{result['case']}: {result['operations'] / 1e9:.0f} GFLOP a step"]
    for name, f in result["contestants"].items():
        spread = f"{f['spread_ms'][0]:.0f} to {f['spread_ms'][1]:.0f}"
        error = f"gradients within {f['gradient_error']:.0e}"
        error += f"  {f['memory_mb']:5.0f} MB" if "memory_mb" in f else ""
        lines.append(
            f"  {name:<14} {f['ms']:8.1f} ms  ({spread})  {f['ratio']:5.2f} x ours  {f['gflops']:6.0f} GFLOP/s  {error}"
        )
    return "\n".join(lines)


def main() -> None:
    options = _options()
    held = HELD.get(options.isa, {})
    if any(os.environ.get(name) != value for name, value in held.items()):
        sys.exit(subprocess.run([sys.executable, __file__, *sys.argv[1:]], env=os.environ | held).returncode)
    torch.set_num_threads(options.threads)
    if options.memory_of:
        print(_memory_here(next(case for case in CASES if case.name == options.cases[0]), options.memory_of))
        return
    cases = [case for case in CASES if not options.cases or case.name in options.cases]
    results = []
    for case in cases:
        results.append(measure(case, [*ours(), *options.peers], options.rounds))
        for name, figures in results[-1]["contestants"].items() if options.memory else ():
            figures["memory_mb"] = round(_memory_in_a_fresh_process(case, name, options.threads), 1)
        print(table(results[-1]), flush=True)
    if not (options.json or options.record):
        return
    today = datetime.date.today().isoformat()
    record = {
        "date": today,
        "threads": options.threads,
        "held to": options.isa,
        "machine": _machine(),
        "cases": results,
    }
    for path in (options.json, options.record and RECORDS / f"{today}-{options.record}.json"):
        if path:
            Path(path).write_text(json.dumps(record, indent=1) + "\n")
            print(f"record: {path}", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(case.name for case in CASES)}")
    parser.add_argument("--peers", default="torch,torch-bf16", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--isa", choices=HELD, help="hold everyone to this instruction set")
    parser.add_argument("--memory", action="store_true", help="measure peak memory too, in fresh processes")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json")
    options = parser.parse_args()
    options.peers = [name for name in options.peers.split(",") if name]
    for kind, known, asked in (
        ("peer", PEERS, options.peers),
        ("case", [case.name for case in CASES], options.cases),
    ):
        for name in asked:
            if name not in known:
                parser.error(f"unknown {kind} {name!r}; expected some of {', '.join(known)}")
    return options


if __name__ == "__main__":
    main()
