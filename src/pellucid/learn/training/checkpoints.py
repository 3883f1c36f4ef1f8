"""States as files that are whole or not there: checkpoints of a run, and snapshots that travel.

A file is a line that names the format, a SHA-256 of the rest, and the rest: what `torch.save` makes of the state. It is
written under another name and renamed, so a process killed at any moment leaves the earlier ones untouched. Reading
allows tensors and plain values only: nothing in a file is ever executed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from pellucid.errors import ResourceError, TrainingError

FORMAT = b"pellucid training state 1\n"
CHECKPOINTS = "checkpoints"
"""Where in a run's folder they lie."""
KEPT = 2
SNAPSHOT_LIMIT = 8_000_000
LIVING = ("network", "optimiser", "kernels", "random")
"""What only the run itself goes on with."""


def write_checkpoint(folder: Path, state: dict[str, Any]) -> Path:
    """Writes the state under its step's name and keeps the one before it.

    Later ones go too: they are damaged, and the run went on from before them.
    """
    path = folder / f"step_{state['step']:09d}.state"
    _write(path, to_bytes(state))
    kept = [file for file in checkpoints_of(folder) if file.name <= path.name][:KEPT]
    for file in checkpoints_of(folder):
        if file not in kept:
            file.unlink(missing_ok=True)
    return path


def checkpoints_of(folder: Path) -> list[Path]:
    """The checkpoints of a run, the newest first."""
    return sorted(folder.glob("step_*.state"), reverse=True)


def newest_good(folder: Path) -> tuple[dict[str, Any] | None, list[Path]]:
    """The newest state that can be read, None where there is none; and the damaged files passed over on the way."""
    damaged: list[Path] = []
    for path in checkpoints_of(folder):
        try:
            return read_state(path), damaged
        except TrainingError:
            damaged.append(path)
    return None, damaged


def read_state(path: Path) -> dict[str, Any]:
    """The state in a checkpoint or snapshot; what is not whole is refused."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError("the training state cannot be read", seen=f"{path}: {error.strerror}") from None
    start = len(FORMAT) + hashlib.sha256().digest_size
    if not content.startswith(FORMAT):
        raise TrainingError("not a training state of this version", seen=path, expected=FORMAT.decode().strip())
    if hashlib.sha256(content[start:]).digest() != content[len(FORMAT) : start]:
        raise TrainingError("the training state is damaged", seen=path, hint="its checksum differs")
    try:
        return torch.load(io.BytesIO(content[start:]), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise TrainingError("the training state holds other things than tensors and plain values", seen=path) from None


def save_snapshot(run: str | Path, path: str | Path) -> dict[str, Any]:
    """The newest good state of a run as one small file, which `pellucid train --from FILE` goes on from.

    Of a finished run that is too large for one, the averaged weights, which is all that another run can take of it.
    """
    path, state = Path(path), state_of(Path(run))
    content = to_bytes(state)
    if len(content) > SNAPSHOT_LIMIT and is_finished(state):
        content = to_bytes({key: state[key] for key in state if key not in LIVING})
    if len(content) > SNAPSHOT_LIMIT:
        raise TrainingError(
            "the run's state is too large for a snapshot",
            seen=f"{len(content) / 1e6:.1f} MB",
            expected=f"at most {SNAPSHOT_LIMIT / 1e6:g} MB: weights, average and two moments of each",
        )
    write_snapshot(path, content)
    return state


def state_of(source: Path) -> dict[str, Any]:
    """The newest good state in a run's folder, or the one of a snapshot."""
    if source.is_file():
        return read_state(source)
    state, _ = newest_good(source / CHECKPOINTS)
    if state is None:
        raise TrainingError("there is no checkpoint", seen=source, expected="the folder of a run that has saved one")
    return state


def write_snapshot(path: Path, content: bytes) -> None:
    """Under its name appears the whole file or nothing."""
    if path.exists():
        read_state(path)  # an older snapshot may be replaced, nothing else
    _write(path, content)


def is_finished(state: dict[str, Any]) -> bool:
    """Whether its recipe asked for no more steps."""
    from pellucid.learn.recipes import recipe_from_text

    return "recipe" in state and state["step"] >= recipe_from_text(state["recipe"]).steps


def to_bytes(state: dict[str, Any]) -> bytes:
    """A state as a file's content."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    return FORMAT + hashlib.sha256(content).digest() + content


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError("the disk is full", seen=path, hint="free some space and repeat the command") from None
        raise TrainingError("the training state cannot be written", seen=f"{path}: {error.strerror}") from None
