"""`pellucid machine`: what this computer can do, and which versions run on it: what a bug report needs."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quick", is_flag=True, help="Leave out the measured peaks, which take a few seconds.")
def command(as_json: bool, quick: bool) -> None:
    """Show instruction sets, measured peaks, threads and versions."""
    facts = describe(measure=not quick)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {_readable(value)}")


def describe(*, measure: bool) -> dict[str, object]:
    """The facts as a flat table; benchmark records carry it too. Peaks are of one core, in G a second."""
    from pellucid import _engine

    hardware = _engine.hardware()
    facts: dict[str, object] = {
        "pellucid": metadata.version("pellucid"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "instruction sets": _engine.isas(),
        "in use": _engine.isa(),
        "matrix tiles": hardware["no_tiles"] or "there, and their products are right",
        "threads": hardware["threads"],
        "caches, kB": [hardware[f"{level}_bytes"] // 1024 for level in ("l1", "l2", "l3")],
    }
    for package in ("numpy", "pyvips", "pyvips-binary", "safetensors", "torch"):
        facts[package] = _version(package)
    if measure:
        click.echo("measuring peaks ...", err=True)
        peaks = _engine.measure_peaks()
        facts["float32 GFLOP/s"] = peaks["flops"] / 1e9
        facts["GB/s from L1, L2, L3, memory"] = [round(peaks[k] / 1e9, 1) for k in ("l1", "l2", "l3", "memory")]
    return facts


def _processor() -> str:
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _readable(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
