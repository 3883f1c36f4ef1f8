"""Whatever a picture comes in (a path, bytes, a stream) as one seekable file with a descriptor and a name to show.

Streams and bytes are spooled to a file without a name; nothing is held in memory.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from typing import IO, BinaryIO

from pellucid.errors import PictureError, ResourceError

Source = str | os.PathLike[str] | bytes | BinaryIO


@dataclass
class SourceFile:
    """An open picture file. `name` is for messages."""

    file: IO[bytes]
    name: str

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def read_at(self, at: int, size: int) -> bytes:
        """Exactly `size` bytes from offset `at`, or ValueError."""
        data = b""
        while len(data) < size:
            piece = os.pread(self.file.fileno(), size - len(data), at + len(data))
            if not piece:
                raise ValueError("the file ends early")
            data += piece
        return data

    def head(self, size: int) -> bytes:
        return os.pread(self.file.fileno(), size, 0)

    def close(self) -> None:
        self.file.close()


def open_source(source: Source) -> SourceFile:
    """Opens it; PictureError where there is nothing to open."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _spooled_bytes(source)
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fspath(source))
    return _spooled(source, str(getattr(source, "name", "the stream")))


def shown(path: str | os.PathLike[str]) -> str:
    """A path for messages: bytes that are no text are written out, so that it can be printed anywhere."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def disk_error(error: OSError, what: str) -> PictureError | ResourceError:
    """An operating system's complaint as one of ours."""
    import errno

    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError(f"{what}: the disk is full", seen=reason, hint="free some space or write elsewhere")
    return PictureError(what, seen=reason)


def refuse_too_many_pixels(name: str, height: int, width: int, max_pixels: int | None) -> None:
    """The limit that keeps a small file from filling the machine."""
    if max_pixels is not None and height * width > max_pixels:
        raise PictureError(
            f"{name}: too many pixels",
            seen=f"{width} x {height} = {height * width / 1e6:.1f} megapixels",
            expected=f"at most {max_pixels / 1e6:g} megapixels",
            hint="raise the limit if you trust the file",
        )


def _open_path(path: str) -> SourceFile:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise PictureError(f"{shown(path)}: a folder, not a picture file", hint="name the pictures in it")
        file = open(path, "rb")  # noqa: SIM115 - closed with the reader
    except FileNotFoundError:
        raise PictureError(f"{shown(path)}: there is no such file", hint="check the name and the folder") from None
    except (OSError, ValueError) as error:
        raise PictureError(
            f"{shown(path)!r}: can't be opened", seen=getattr(error, "strerror", None) or error
        ) from None
    if stat.S_ISREG(mode):
        return SourceFile(file, shown(path))
    with file:  # a pipe or a device has no end to seek to
        return _spooled(file, shown(path))


def _spooled(stream: IO[bytes], name: str) -> SourceFile:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the reader
    try:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.flush()
    except OSError as error:
        file.close()
        raise disk_error(error, f"{name}: can't be copied to a temporary file") from None
    except BaseException:
        file.close()
        raise
    return SourceFile(file, name)


def _spooled_bytes(data: bytes | bytearray | memoryview) -> SourceFile:
    import io

    return _spooled(io.BytesIO(data), "the bytes given")
