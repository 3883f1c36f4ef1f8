"""The thread in which libvips writes files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pellucid import picture
from pellucid.picture import Picture
from pellucid.picture.encode_vips import VipsEncoder


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_libvips_may_have_enough_before_the_last_bytes(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends when it has all rows; whether it has heard the stream's end by then is a matter of luck."""
    at_once = VipsEncoder._send

    def slowly(encoder: VipsEncoder, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            time.sleep(0.05)
            at_once(encoder, iter([piece]))

    monkeypatch.setattr(VipsEncoder, "_send", slowly)
    pixels = np.full((2, 3, 3), 77, np.uint8)
    picture.write(tmp_path / f"in.{ending}", Picture(pixels))
    assert picture.read(tmp_path / f"in.{ending}").pixels.shape == (2, 3, 3)
