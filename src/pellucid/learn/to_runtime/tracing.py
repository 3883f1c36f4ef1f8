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
from torch import fx, nn
from torch._guards import SLoc
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from pellucid.errors import GraphError, UsageError

INSIDE_TORCH = "inside torch"

_NOT_OURS = (os.path.dirname(torch.__file__) + os.sep, contextlib.__file__, "torch" + os.sep, "<")


def collapsed(module: nn.Module) -> nn.Module:
    """A copy for evaluation, float32 on the CPU, in which every block that offers `collapsed()` is replaced."""
    if not isinstance(module, nn.Module):
        seen = repr(module) if isinstance(module, str) else type(module).__name__
        raise UsageError("what is to be exported is no module", seen=seen, expected="a torch.nn.Module")
    try:
        copied = copy.deepcopy(module)
    except Exception as error:  # what tensors and other attributes of a module refuse
        older = "torch.nn.utils.parametrizations.weight_norm and spectral_norm can be copied, the older ones cannot"
        hint = older if "weight_norm" in str(error) else None
        raise GraphError("the module cannot be copied", seen=_first_line(error), hint=hint) from error
    return _collapse(copied.cpu().float().eval()).eval()


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
        where = source_line(_frames(error)) or _layer_in(error, module) or INSIDE_TORCH
        hint = "use operations on tensors only; a shape or a Python `if` must not depend on values"
        raise GraphError(
            "torch.export cannot follow the module", seen=f"{_first_line(error)} ({where})", hint=hint
        ) from error


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def source_line(frames: list[tuple[str, str]]) -> str | None:
    """The deepest line outside torch, as file:line, if there is one."""
    ours = [f"{file}:{line}" for file, line in frames if is_ours(file)]
    return ours[-1] if ours else None


def is_ours(file: str) -> bool:
    """Whether a file is neither torch's nor made up."""
    return not file.startswith(_NOT_OURS)


def source_of(node: fx.Node) -> str:
    """Where in the user's code an operation was called; for torch's own layers, stacked by torch, which layer it is."""
    line = source_line(re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or ""))
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return line or (_layer(path_of(node), str(stack[-1][1])) if stack else INSIDE_TORCH)


def path_of(node: fx.Node) -> str:
    """Of the module that called an operation."""
    stack = node.meta.get("nn_module_stack") or {}
    return list(stack.values())[-1][0] if stack and "_empty" not in list(stack)[-1] else ""


def _layer(path: str, kind: str) -> str:
    """As path: Class."""
    return f"{path}: {kind.rpartition('.')[2]}".removeprefix(": ")


def _layer_in(error: BaseException, module: nn.Module) -> str | None:
    """The innermost of the module's layers that were at work."""
    names = {id(part): name for name, part in module.named_modules()}
    at_work = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    layers = [_layer(names[id(part)], type(part).__name__) for part in at_work if id(part) in names]
    return layers[-1] if layers else None


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
