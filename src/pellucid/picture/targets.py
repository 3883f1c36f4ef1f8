"""A file that exists under its final name only when it is whole.

A path is written under a temporary name beside it and renamed; a stream, a pipe or a device gets its bytes when all
of them are known. Discarded, nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from typing import IO, BinaryIO

from pellucid.errors import PellucidError, PictureError
from pellucid.picture.sources import disk_error, shown

Target = str | os.PathLike[str] | BinaryIO


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
                os.replace(self._temporary, str(self._final))
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
        self._final, self._temporary = final, os.path.join(folder, f".pellucid-{secrets.token_hex(6)}.part")
        try:
            permissions = 0o666 if mode is None else stat.S_IMODE(mode)
            descriptor = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, permissions)
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


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        return None
