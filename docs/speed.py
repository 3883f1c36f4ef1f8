"""`docs/speed.md`, from the newest records of `benchmarks/`: what was measured, beside whom, by which command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parents[1] / "benchmarks" / "record"
PEERS = {
    "torch": "PyTorch 2.13",
    "torch-bf16": "PyTorch 2.13, bfloat16",
    "onnxruntime": "onnxruntime 1.31",
    "openvino": "OpenVINO 2026.4",
    "openvino-bf16": "OpenVINO 2026.4, bfloat16",
}
OURS, OURS_BF16 = "pellucid", "pellucid-bf16"
CASES = {
    "A": "A: 3->64, 5 x 64->64, 64->27, shuffle",
    "B": "B: 17 layers of 64, as DnCNN",
    "C": "C: A with 32 channels",
    "D": "D: 3->16, 3 x 16->16, 16->27, shuffle",
    "1x1": "3x3 to 64 channels, two of 1x1",
    "5x5": "3x3 to 32 channels, two of 5x5",
    "stride2": "3x3 to 64 channels, two of stride 2",
    "depthwise": "3x3 to 64 channels, two depthwise",
    "unet": "U-Net",
    "resnet18": "ResNet-18",
    "vgg11": "VGG-11",
    "upscale": "`pellucid upscale`, `superres-x3`",
    "upscale-swift": "`pellucid upscale`, `superres-x3-swift`",
    "five-64": "5 layers of 64 channels",
    "superres-64": "3->64, 5 x 64->64, 64->27",
    "superres-32": "the same with 32 channels",
    "denoise-64": "17 layers of 64",
}

SHIPPED = (
    "superres-x2",
    "superres-x2-swift",
    "superres-x3",
    "superres-x3-swift",
    "superres-x4",
    "superres-x4-swift",
    "denoise-colour",
    "denoise-grey",
    "denoise-light",
)
CASES |= {name: f"`{name}`" for name in SHIPPED}

COMMANDS = {
    "bf16": "run.py A-360x656 B-512x528 C-360x656 D-360x656 --peers torch-bf16,openvino-bf16 --rounds 11",
    "shipped": f"run.py {' '.join(f'{name}-360x656' for name in SHIPPED)} --peers onnxruntime,openvino,openvino-bf16 "
    "--rounds 5",
    "float32": "run.py A-360x656 B-512x528 C-360x656 D-360x656 --rounds 9",
    "float32-avx2": "run.py A-360x656 C-360x656 D-360x656 --isa avx2 --hold-peers --peers openvino,torch --rounds 7",
    "float32-avx2-free": "run.py A-360x656 C-360x656 D-360x656 --isa avx2 --rounds 5",
    "float32-large": 'run.py B-512x528 B-1080x1920 --peers "" --memory --rounds 4',
    "other-networks": "run.py 1x1-180x320 5x5-180x320 stride2-180x320 depthwise-180x320 unet-384x480 resnet18-224x224 "
    "vgg11-224x224 --rounds 9",
    "whole-process": "run.py upscale-360x640 upscale-swift-360x640 --rounds 7",
    "training": "train.py --memory --rounds 9",
    "float32-training-avx2": "train.py --isa avx2 --peers torch --rounds 7",
    "mnist-epoch": "epoch.py --data MNIST --rounds 3",
}
"""What made each record, beside `--record NAME`."""
LEAST: dict[str, dict[str, float]] = {
    "bf16": {"A": 1.9, "B": 1.6, "C": 2.5, "D": 4},
    "float32": dict.fromkeys("ABCD", 2.3),
    "float32-avx2": dict.fromkeys("ACD", 2.2),
    "training": {"five-64": 2.2, "superres-64": 2.1, "superres-32": 2, "denoise-64": 2},
    "training, float32": dict.fromkeys(["five-64", "superres-64", "superres-32", "denoise-64"], 2.5),
    "float32-training-avx2": dict.fromkeys(["five-64", "superres-64", "superres-32", "denoise-64"], 1.7),
}
"""How many times the best peer's speed in the same precision we ask of ourselves."""

HEAD = """# Speed

Made by `make docs` from the records that it names, each with its machine. Everyone in turn within one process,
medians; a ratio is the median over rounds of a peer's time by ours in the same round. Operations are counted as for
direct convolution, so Winograd's share of the machine's peak exceeds one.
"""

BF16_LIMITS = """What limits: matrix tiles multiply 3.8 TFLOP/s a core here where nothing else happens, 3.4 in the order
of a convolution of 64 channels, 2.5 when its sums are brought out as well, and on numbers as dense as those of a real
network 10 to 25 % less. In D and C the pixel shuffle into 25 MB of result takes a quarter and a sixth of the time.
[Precision](decisions/float32-first.md) tells what was tried.
"""

LIMITS = """Our aim is three times the best peer. What limits: a layer's output rows come from beyond the near caches,
and in D the pixel shuffle into the result is bound by memory. [Winograd](decisions/winograd.md) tells what was tried.
"""

TRAINING = """A step is forward, mean squared error, backward and Adam, on `pellucid.learn.accelerate(network)` and on
torch; batches of 16 crops of 64 x 64 (50 x 50 for 17 layers). `pellucid train` computes on it by itself
([guide](guide/training-on-a-cpu.md)); [training kernels](decisions/training-kernels.md) tells how.
"""


def speed_page() -> str:
    large = _newest("float32-large")
    return "\n".join(
        [
            HEAD,
            "## Running, bfloat16 on matrix tiles\n",
            _section("bf16", OURS_BF16),
            BF16_LIMITS,
            "## Running, float32\n",
            _section("float32"),
            LIMITS,
            "Held to AVX2, peers too (of OpenVINO its convolutions):\n",
            _section("float32-avx2"),
            "Held to AVX2 while peers use AVX-512:\n",
            _section("float32-avx2-free"),
            f"A large picture costs what a small one does, pixel for pixel: {_grown(large)}. {_source(large)}\n",
            "Other kinds of convolutions, and whole networks:\n",
            _section("other-networks"),
            "## The models that ship\n",
            "`superres-x2` had 12 layers when it was timed, 15 since, which takes a quarter more.\n",
            "For a picture of 656 x 360, in bfloat16:\n",
            _section("shipped", OURS_BF16),
            "In float32:\n",
            _section("shipped"),
            "A whole process from a cold start, 640 x 360 PNG to 1920 x 1080 PNG:\n",
            _section("whole-process"),
            "## Training\n",
            TRAINING,
            "Measured before losses came to the engine and gradients of weights took two thirds of what they had;\n"
            "what that brings in float32 on another processor stands with the\n"
            "[kernels](decisions/training-kernels.md).\n",
            "In bfloat16 on matrix tiles:\n",
            _section("training", OURS_BF16),
            "In float32:\n",
            _section("training"),
            f"Peak memory of a step: {_peaks(_newest('training'))}.\n",
            "In float32, everyone held to AVX2:\n",
            _section("float32-training-avx2"),
            _epoch(_newest("mnist-epoch")),
        ]
    )


def _newest(name: str) -> dict[str, Any]:
    path = sorted(RECORDS.glob(f"????-??-??-{name}.json"))[-1]
    return {"path": path, **json.loads(path.read_text(encoding="utf-8"))}


def _source(record: Mapping[str, Any]) -> str:
    machine, path = record["machine"], record["path"]
    return (
        f"Record: [`{path.name}`](../benchmarks/record/{path.name}), {machine['processor']} with {machine['in use']}, "
        f"{record['threads']} threads; command: `python benchmarks/{COMMANDS[path.stem[11:]]}`."
    )


def _shortfall(name: str, ours: str, cases: Sequence[Mapping[str, Any]]) -> str:
    """Which cases are not as many times as fast as the best peer of the same precision as we ask."""
    asked = LEAST.get("training, float32" if (name, ours) == ("training", OURS) else name)
    if asked is None:
        return ""
    best = {_kind(c): min(c["contestants"][peer]["ratio"] for peer in _peers(cases, ours)) for c in cases}
    short = [f"{CASES[kind]} ({best[kind]:.2f} of {least:g})" for kind, least in asked.items() if best[kind] < least]
    times = sorted({f"{least:g}" for least in asked.values()}, key=float)
    asked_for = times[0] if len(times) == 1 else f"{times[0]} to {times[-1]}"
    return f"We ask {asked_for} times the best peer{'; short: ' + ', '.join(short) if short else ''}. "


def _peers(cases: Sequence[Mapping[str, Any]], ours: str) -> list[str]:
    """Those that every case has, of the same precision."""
    there = [peer for peer in PEERS if all(peer in case["contestants"] for case in cases)]
    return [peer for peer in there if peer.endswith("bf16") == (ours == OURS_BF16)]


def _section(name: str, ours: str = OURS) -> str:
    record = _newest(name)
    cases = record["cases"]
    peers = _peers(cases, ours)
    rows = [["case", "ours", "GFLOP/s", *(PEERS[peer] for peer in peers)], ["---"] * (3 + len(peers))]
    for case in sorted(cases, key=lambda case: list(CASES).index(_kind(case))):
        own, *others = (case["contestants"][name] for name in (ours, *peers))
        speed = f"{own['gflops']:.0f}" if "gflops" in own else ""
        rows.append([_title(case), _time(own["ms"]), speed, *(f"{other['ratio']:.2f} x" for other in others)])
    if not any(row[2] for row in rows[2:]):
        rows = [[*row[:2], *row[3:]] for row in rows]
    return f"{_table(rows)}\n\n{_shortfall(name, ours, cases)}{_source(record)}\n"


def _kind(case: Mapping[str, Any]) -> str:
    """The case's name without its size."""
    name = str(case["case"])
    return name if name in CASES else name.rpartition("-")[0]


def _title(case: Mapping[str, Any]) -> str:
    kind = _kind(case)
    size = str(case["case"])[len(kind) + 1 :]
    return CASES[kind] + (f"; {size.replace('x', ' x ')}" if size else "")


def _time(ms: float) -> str:
    return f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms"


def _grown(record: Mapping[str, Any]) -> str:
    found = [(str(case["case"]).split("-")[1], case["contestants"][OURS]) for case in record["cases"]]
    return (
        ", ".join(
            f"{c['ns_per_pixel']:.0f} ns at {size.replace('x', ' x ')} with {c['memory_mb']:.0f} MB"
            for size, c in found
        )
        + " beyond input and output, through B"
    )


def _peaks(record: Mapping[str, Any]) -> str:
    told = []
    for case in record["cases"]:
        memory = {name: f"{c['memory_mb']:.0f}" for name, c in case["contestants"].items()}
        told.append(
            f"{CASES[case['case']]}: {memory[OURS_BF16]} MB in bfloat16, torch {memory['torch-bf16']}, "
            f"{memory[OURS]} in float32, torch {memory['torch']}"
        )
    return "; ".join(told)


def _epoch(record: Mapping[str, Any]) -> str:
    """The second document's epoch, with what it reports for a graphics card."""
    ours, torch = record["engines"]["pellucid"], record["engines"]["torch"]
    return (
        "## An epoch of MNIST\n\n"
        f"`pellucid train mnist`, {record['steps']} batches of 128: {ours['seconds']:.1f} s on the engine in float32, "
        f"{torch['seconds']:.1f} s on PyTorch in the precision that it chooses for itself, where the second document "
        "reports 7.4 s, then 4.3 s on a graphics card, which we do not reach, and 98.64 %. After it the engine's runs "
        f"named {_percent(ours['test'])} of the test digits, PyTorch's {_percent(torch['test'])}. The engine's kernels "
        f"are made for 64 channels and wide rows; here are 32 channels on 28 and 14 pixels. {_source(record)}\n"
    )


def _percent(shares: Sequence[float]) -> str:
    return f"{100 * min(shares):.2f} to {100 * max(shares):.2f} %"


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
