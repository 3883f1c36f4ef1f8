"""PNG, JPEG and WebP from rows: a thread in which libvips reads our PNG stream and writes the file.

Memory does not grow with height, but for WebP, whose encoder holds the whole picture (4 bytes a pixel).
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from pellucid.picture.depths import DTYPES
from pellucid.picture.formats import JPEG, PNG, WEBP, Format
from pellucid.picture.kinds import PictureInfo
from pellucid.picture.libvips import complaint, one_line, vips
from pellucid.picture.png_stream import Pipe, PngStream

_METADATA = (
    ("profile", "icc", "icc-profile-data"),
    ("exif", "exif", "exif-data"),
    ("xmp", "xmp", "xmp-data"),
    ("iptc", "iptc", "iptc-data"),
)


class VipsEncoder:
    """Rows from the top, then `finish`; or `abandon`."""

    def __init__(self, file: IO[bytes], format: Format, info: PictureInfo, quality: int) -> None:
        self._file, self._format, self._info, self._quality = file, format, info, quality
        self._stream = PngStream(info.height, info.width, info.channels + info.has_alpha, np.dtype(DTYPES[info.depth]))
        self._pipe, self._error, self._reason = Pipe(), "", ""
        self._thread = threading.Thread(target=self._encode, name="picture encoder", daemon=True)
        self._thread.start()
        self._send(self._stream.begin())

    def write(self, block: np.ndarray) -> None:
        """Rows (k, w, bands)."""
        self._send(self._stream.rows(block))

    def finish(self) -> None:
        self._send(self._stream.end())
        self._pipe.close()
        self._thread.join()
        if self._error:
            raise self._failure()

    def abandon(self) -> None:
        self._pipe.close()
        self._thread.join()

    def _send(self, pieces: Iterator[bytes]) -> None:
        """What follows the last row libvips may not wait for: then it has ended well before all is sent."""
        for piece in pieces:
            if not self._pipe.put(piece):
                self._thread.join()
                if self._error:
                    raise self._failure()

    def _encode(self) -> None:
        """The thread's whole work. It keeps no reference to libvips's objects once it ends."""
        try:
            self._save()
        except Exception as error:
            self._error = self._reason or complaint(error)
        finally:
            self._pipe.break_off()

    def _save(self) -> None:
        pyvips = vips()
        source = pyvips.SourceCustom()
        source.on_read(self._pipe.take)
        image = pyvips.Image.pngload_source(source, access="sequential", fail_on="error").copy()
        keep = []  # without this list libvips would make up EXIF of its own
        for name, kind, field in _METADATA:
            value = getattr(self._info, name)
            if value:
                image.set_type(pyvips.GValue.blob_type, field, value)
                keep.append(kind)
        if self._info.density:
            across, down = self._info.density
            image = image.copy(xres=across, yres=down)
            image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "in")
        target = self._target()
        saver, options = self._saver()
        pyvips.Operation.call(saver, image, target, keep=":".join(keep) or "none", **options)

    def _target(self) -> Any:
        """The file. libvips writes no JFIF segment, which is where a JPEG without EXIF tells its density: it is put
        behind the first two bytes."""
        pyvips, density = vips(), self._info.density
        if self._format is not JPEG or density is None:
            return pyvips.Target.new_to_descriptor(self._file.fileno())
        waiting = [_jfif(*density)]

        def write(data: Any) -> int:
            piece = bytes(data)
            try:
                self._file.write(piece[:2] + waiting.pop() + piece[2:] if waiting else piece)
                self._file.flush()
            except OSError as error:
                self._reason = error.strerror or str(error)
                return -1
            return len(piece)

        target = pyvips.TargetCustom()
        target.on_write(write)
        return target

    def _saver(self) -> tuple[str, dict[str, Any]]:
        if self._format is PNG:
            return "pngsave_target", {"compression": 4, "filter": "up"}  # measured: a third below no filter
        if self._format is JPEG:
            return "jpegsave_target", {"Q": self._quality}
        assert self._format is WEBP
        return "webpsave_target", {"Q": self._quality, "lossless": self._quality >= 100, "exact": True}

    def _failure(self) -> OSError:
        """libvips tells the system's errors in words only."""
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            if os.strerror(number) in self._error:
                return OSError(number, os.strerror(number))
        return OSError(0, one_line(self._error))


def _jfif(across: float, down: float) -> bytes:
    """The segment that says how many pixels an inch has."""
    x, y = (min(65_535, max(1, round(25.4 * pixels))) for pixels in (across, down))
    return b"\xff\xe0\0\x10JFIF\0\x01\x02\x01" + struct.pack(">HH", x, y) + b"\0\0"
