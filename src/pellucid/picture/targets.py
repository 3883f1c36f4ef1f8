"""A file that exists under its final name only when it is whole.

A path is written under a temporary name beside it and renamed; a stream, a pipe or a device gets its bytes when all
of them are known. Discarded, nothing is left. The temporary name follows from the final one, and who writes under it
holds a lock: so what a killed process left is found, told from what a living one writes, and removed by the next that
writes the same picture.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import threading
from typing import IO, BinaryIO

from pellucid.errors import PellucidError, PictureError
from pellucid.picture.sources import disk_error, shown

try:
    import fcntl
except ImportError:  # Windows: then names are never used twice
    fcntl = None  # type: ignore[assignment]

Target = str | os.PathLike[str] | BinaryIO

AT_ONCE = 16
"""Processes that may write the same file at the same time before names become arbitrary."""

_half_written: set[str] = set()
_closing = threading.Lock()
"""Held while a file gets one of its names; never released once the process is leaving."""


def discard_all() -> None:
    """Removes what is half-written, for a process that is about to end: no file appears after that, whole or not."""
    _closing.acquire(timeout=1)
    for path in _half_written:
        with contextlib.suppress(OSError):
            os.unlink(path)


class PendingFile:
    """`file` is open for reading and writing, seekable, and of no consequence before `commit`."""

    file: IO[bytes]

    def __init__(self, target: Target, *, overwrite: bool) -> None:
        self._temporary: str | None = None
        self._final: str | None = None
        self._stream: BinaryIO | None = None
        if isinstance(target, (str, os.PathLike)):
            self.name = shown(target)
            self._open_beside(os.path.realpath(target), overwrite)
        else:
            self.name = str(getattr(target, "name", "the stream"))
            self._stream = target
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by commit or discard

    def commit(self) -> None:
        """Makes the file appear; PictureError or ResourceError if that fails, with nothing left."""
        try:
            self.file.flush()
            if self._temporary is None:
                self._copy_out()
            else:
                with _closing:
                    os.replace(self._temporary, str(self._final))
                    _half_written.discard(self._temporary)
                self._temporary = None
        except OSError as error:
            raise self.failure(error) from None
        finally:
            self.discard()

    def discard(self) -> None:
        """Takes back what was not committed. Does no harm twice."""
        self.file.close()
        if self._temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)
            _half_written.discard(self._temporary)
            self._temporary = None

    def failure(self, error: OSError) -> PellucidError:
        return disk_error(error, f"{self.name}: can't be written")

    def _open_beside(self, final: str, overwrite: bool) -> None:
        mode = _mode_of(final)
        if mode is not None and stat.S_ISDIR(mode):
            raise PictureError(f"{self.name}: a folder", expected="the name of a file to write")
        if mode is not None and not stat.S_ISREG(mode):  # a device or a pipe must not be renamed over
            self._final = final
            self.file = tempfile.TemporaryFile()  # noqa: SIM115
            return
        if mode is not None and not overwrite:
            raise PictureError(f"{self.name}: exists already", hint="choose another name or ask to overwrite it")
        folder = os.path.dirname(final)
        self._final = final
        try:
            self._temporary, descriptor = _part_of(final, 0o666 if mode is None else stat.S_IMODE(mode))
        except FileNotFoundError:
            hint = f"make the folder {shown(folder)} first"
            raise PictureError(f"{self.name}: can't be written", seen="no such folder", hint=hint) from None
        except OSError as error:
            raise self.failure(error) from None
        self.file = os.fdopen(descriptor, "w+b")

    def _copy_out(self) -> None:
        self.file.seek(0)
        if self._stream is not None:
            shutil.copyfileobj(self.file, self._stream, 1 << 20)
            self._stream.flush()
            return
        with open(str(self._final), "wb", buffering=0) as device:
            shutil.copyfileobj(self.file, device, 1 << 20)


def _part_of(final: str, permissions: int) -> tuple[str, int]:
    """A new file beside the final one: its path and descriptor, locked."""
    folder, name = os.path.split(final)
    digest = hashlib.blake2b(os.fsencode(name), digest_size=6).hexdigest()
    numbered = ["", *(f"-{k}" for k in range(1, AT_ONCE))] if fcntl else []
    for behind in (*numbered, f"-{secrets.token_hex(6)}"):
        path = os.path.join(folder, f".pellucid-{digest}{behind}.part")
        if fcntl and os.path.lexists(path):
            _remove_if_left(path)
        with _closing, contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, permissions)
            _half_written.add(path)
            if not fcntl or _is_locked(path, descriptor):
                return path, descriptor
            _half_written.discard(path)
            os.close(descriptor)
    raise FileExistsError(17, "its temporary names are taken", final)


def _is_locked(path: str, descriptor: int) -> bool:
    """Locks a new file; False if somebody has taken it for one that was left, and removed it. Where there are no locks
    nothing is ever taken so."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    return False


def _remove_if_left(path: str) -> None:
    """Removes a temporary file that no living process holds."""
    with contextlib.suppress(OSError):  # held, another user's, or no locks here: then it stays
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                os.unlink(path)
        finally:
            os.close(descriptor)


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        return None
