"""torch.export of a module: collapsible blocks collapsed, sizes free in h and w, failures in one line."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from types import FrameType
from unittest import mock

import torch
from torch import nn
from torch._guards import SLoc
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from pellucid.errors import GraphError

INSIDE_TORCH = "inside torch"

_NOT_OURS = (os.path.dirname(torch.__file__) + os.sep, contextlib.__file__, "torch" + os.sep, "<")


def collapsed(module: nn.Module) -> nn.Module:
    """A copy for evaluation, float32 on the CPU, in which every block that offers `collapsed()` is replaced."""
    return _collapse(copy.deepcopy(module).cpu().float().eval()).eval()


def _collapse(module: nn.Module) -> nn.Module:
    offer = getattr(module, "collapsed", None)
    if callable(offer):
        with torch.no_grad():
            module = offer()
    for name, child in module.named_children():
        setattr(module, name, _collapse(child))
    return module


def trace(module: nn.Module, example: torch.Tensor) -> ExportedProgram:
    """The module as ATen operations; h and w stay symbols unless the module fixes them."""
    sizes = ({2: Dim.AUTO, 3: Dim.AUTO},)  # named dimensions fail on simple nets
    try:
        with torch.no_grad(), _quiet(), _whole_stacks(), _lines_of_conditions():
            return torch.export.export(module, (example,), dynamic_shapes=sizes)
    except Exception as error:
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        where = source_line(_frames(error))
        hint = "use operations on tensors only; a shape or a Python `if` must not depend on values"
        raise GraphError("torch.export cannot follow the module", seen=f"{first} ({where})", hint=hint) from error


def source_line(frames: list[tuple[str, str]]) -> str:
    """The deepest line outside torch, as file:line."""
    ours = [frame for frame in frames if is_ours(frame[0])]
    file, line = (ours or frames or [("unknown", "0")])[-1]
    return f"{file}:{line}"


def is_ours(file: str) -> bool:
    """Whether a file is neither torch's nor made up."""
    return not file.startswith(_NOT_OURS)


def source_of(node: torch.fx.Node) -> str:
    """Where in the user's code an operation was called."""
    return source_line(re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or ""))


def _frames(error: BaseException) -> list[tuple[str, str]]:
    own = os.path.dirname(__file__)
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    return [frame for frame in frames if not frame[0].startswith(own)]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch.export prints the graph that it could not finish; the error says it in a line."""
    loggers = [logging.getLogger(name) for name in ("torch.fx.experimental.symbolic_shapes", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _whole_stacks() -> Iterator[None]:
    """torch.export remembers of each operation's stack the frames called `forward` alone; here all that follow it."""

    def from_forward(self: object, stack: traceback.StackSummary) -> traceback.StackSummary:
        names = [frame.name for frame in stack]
        return traceback.StackSummary.from_list(stack[names.index("forward") :] if "forward" in names else [])

    with mock.patch.object(torch.fx.proxy.TracerBase, "_filter_traceback_frames", from_forward):
        yield


@contextlib.contextmanager
def _lines_of_conditions() -> Iterator[None]:
    """torch.export remembers of a condition on a size the line that asked, in torch or not; here the module's too."""
    own, remembered = os.path.dirname(__file__), ShapeEnv._get_sloc

    def with_line(self: ShapeEnv, framework_loc: str | None = None) -> SLoc:
        frame: FrameType | None = sys._getframe(1)
        line = None
        while frame is not None and line is None and not frame.f_code.co_filename.startswith(own):
            if is_ours(frame.f_code.co_filename):
                line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            frame = frame.f_back
        return SLoc(remembered(self, framework_loc).framework_loc, line)

    with mock.patch.object(ShapeEnv, "_get_sloc", with_line):
        yield
