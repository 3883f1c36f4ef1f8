"""Writing: rows, from top to bottom, or a whole picture as any format we write.

What the format can't hold is said before work begins: sizes and transparency are refused, depths beyond it are
rounded with a note. Under its final name the file appears whole or not at all.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import IO, Protocol

import numpy as np

from pellucid.errors import PictureError, UsageError
from pellucid.picture import depths
from pellucid.picture.encode_bmp import BmpEncoder
from pellucid.picture.encode_tiff import TiffEncoder
from pellucid.picture.encode_vips import VipsEncoder
from pellucid.picture.formats import BMP, TIFF, Format, format_to_write
from pellucid.picture.keeping import what_is_kept
from pellucid.picture.kinds import Picture, PictureInfo
from pellucid.picture.sources import shown
from pellucid.picture.targets import PendingFile, Target

DEFAULT_QUALITY = 95
_BLOCK_ROWS = 256


class Encoder(Protocol):
    """What every format's encoder offers."""

    def write(self, block: np.ndarray) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None: ...


class RowWriter:
    """A picture that is being written. `notes` says what of it the format can't keep; `info` is what is kept."""

    def __init__(self, pending: PendingFile, format: Format, info: PictureInfo, quality: int, notes: list[str]) -> None:
        self.format, self.info, self.notes = format.name, info, notes
        self._pending, self._y = pending, 0
        self._encoder: Encoder | None = _encoder(pending.file, format, info, quality)

    def write(self, pixels: np.ndarray, alpha: np.ndarray | None = None) -> None:
        """The next rows: (k, w, c) and, if the picture has it, alpha (k, w, 1); uint8, uint16 or float32 in 0..1."""
        if self._encoder is None:
            raise UsageError("the picture is closed already", seen=self._pending.name)
        self._check(pixels, alpha)
        if not len(pixels):
            return
        block = depths.to_depth(pixels, self.info.depth)
        if alpha is not None:
            block = np.concatenate([block, depths.to_depth(alpha, self.info.depth)], axis=2)
        if block.dtype == np.float32:
            depths.refuse_not_finite(block)
        try:
            self._encoder.write(block)
        except OSError as error:
            raise self._pending.failure(error) from None
        self._y += len(pixels)

    def finish(self) -> None:
        """All rows are there: the file appears. Called by leaving the `with` block."""
        if self._y != self.info.height:
            self.abandon()
            seen, expected = f"{self._y} rows", f"{self.info.height} rows"
            raise PictureError(f"{self._pending.name}: rows are missing", seen=seen, expected=expected)
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return
        try:
            encoder.finish()
        except OSError as error:
            self._pending.discard()
            raise self._pending.failure(error) from None
        except BaseException:
            encoder.abandon()
            self._pending.discard()
            raise
        self._pending.commit()

    def abandon(self) -> None:
        """Nothing is left of it."""
        encoder, self._encoder = self._encoder, None
        try:
            if encoder is not None:
                encoder.abandon()
        finally:
            self._pending.discard()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.abandon()

    def _check(self, pixels: np.ndarray, alpha: np.ndarray | None) -> None:
        k, info = len(pixels), self.info
        want = (k, info.width, info.channels)
        if pixels.shape != want or self._y + k > info.height:
            expected = f"{want}, {info.height - self._y} rows at most"
            raise UsageError("rows do not fit the picture", seen=pixels.shape, expected=expected)
        if (alpha is not None) != info.has_alpha or (alpha is not None and alpha.shape != (k, info.width, 1)):
            seen = "no alpha" if alpha is None else alpha.shape
            raise UsageError(
                "alpha does not fit the picture",
                seen=seen,
                expected=(k, info.width, 1) if info.has_alpha else "no alpha",
            )


def open_writer(
    target: Target,
    info: PictureInfo,
    *,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
) -> RowWriter:
    """Begins a picture of `info`'s size and kind at a path or in a binary stream.

    The format is the one named, else the suffix's. `quality` is 1 to 100 for JPEG and WebP (95; WebP's 100 is
    lossless). Rows of any depth may be written; they are kept in `info.depth`, or in the nearest the format has.
    """
    name = shown(target) if isinstance(target, (str, os.PathLike)) else None
    kind = format_to_write(format, name)
    quality = DEFAULT_QUALITY if quality is None else quality
    if not 1 <= quality <= 100:
        raise UsageError("no such quality", seen=quality, expected="1 to 100")
    kept, notes = what_is_kept(name or "the stream", kind, info)
    pending = PendingFile(target, overwrite=overwrite)
    try:
        return RowWriter(pending, kind, kept, quality, notes)
    except OSError as error:
        pending.discard()
        raise pending.failure(error) from None
    except BaseException:
        pending.discard()
        raise


def write(
    target: Target,
    picture: Picture,
    *,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Writes a whole picture; returns the notes on what the format could not keep."""
    with open_writer(target, picture.info, format=format, quality=quality, overwrite=overwrite) as writer:
        for y in range(0, writer.info.height, _BLOCK_ROWS):
            alpha = None if picture.alpha is None else picture.alpha[y : y + _BLOCK_ROWS]
            writer.write(picture.pixels[y : y + _BLOCK_ROWS], alpha)
    return writer.notes


def _encoder(file: IO[bytes], format: Format, info: PictureInfo, quality: int) -> Encoder:
    if format is BMP:
        return BmpEncoder(file, info)
    return TiffEncoder(file, info) if format is TIFF else VipsEncoder(file, format, info, quality)
