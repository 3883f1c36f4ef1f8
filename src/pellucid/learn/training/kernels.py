"""On whose kernels a run computes: the engine's, for float32 on a processor with vectors and for bfloat16 on one with
matrix tiles, else torch's."""

from __future__ import annotations

import torch

from pellucid import _engine
from pellucid.errors import UsageError, unknown_name
from pellucid.learn.layers import on_tiles

ENGINES = ("auto", "pellucid", "torch")


def precision_for(engine: str, precision: str) -> str:
    """What `auto` precision means beside this engine.

    Where bfloat16 is multiplied by vectors and not by matrix tiles, the engine's float32 is the faster of the two
    (docs/speed.md), and exact.
    """
    by_tiles = "amx" in _engine.isas()
    return "fp32" if precision == "auto" and engine != "torch" and _has_kernels() and not by_tiles else precision


def settled_engine(engine: str, precision: str) -> str:
    """`pellucid` or `torch`: what was asked for, or what is faster in this precision."""
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    fits = _has_kernels() and (precision == "fp32" or (precision == "bf16" and on_tiles.present()))
    if engine == "pellucid" and not fits:
        raise UsageError(
            "the engine cannot train here",
            seen=f"{precision}, {_engine.isa()} kernels{', a GPU' if torch.cuda.is_available() else ''}",
            expected="fp32 on a processor with AVX2, AVX-512 or NEON, or bf16 on one with AMX",
            hint="--engine auto takes what there is",
        )
    return "torch" if engine == "torch" or not fits else "pellucid"


def _has_kernels() -> bool:
    return not torch.cuda.is_available() and _engine.isa() != "scalar"
