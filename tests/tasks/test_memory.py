"""[promises] A hundred megapixels become nine hundred in less memory than the result has pixels."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from pellucid import picture

UPSCALE = """
    import sys
    from pellucid.cli import run
    if code := run(["upscale", *sys.argv[1:]]):
        sys.exit(code)
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_megabytes(source: Path, target: Path, model: str) -> float:
    words = [str(source), "-o", str(target), "--model", model]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UPSCALE), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) / 1024


# The large network takes minutes for a hundred megapixels: it writes one of the formats so, of the other a tenth, and
# the small one the whole.
@pytest.mark.heavy
@pytest.mark.parametrize(
    ("suffix", "model", "height"),
    [("png", "superres-x3", 10_000), ("tif", "superres-x3-swift", 10_000), ("tif", "superres-x3", 1_000)],
)
def test_nine_hundred_megapixels_in_seven_hundred_megabytes(
    tmp_path: Path, suffix: str, model: str, height: int
) -> None:
    side = 10_000
    rows = np.cumsum(np.random.default_rng(1).integers(-3, 4, (100, side, 3)), axis=1).astype(np.uint8)
    with picture.open_writer(tmp_path / "big.png", picture.PictureInfo(height, side, 3)) as writer:
        for y in range(0, height, 100):
            writer.write(rows + np.uint8(y // 100))
    peak = peak_megabytes(tmp_path / "big.png", tmp_path / f"out.{suffix}", model)
    with picture.open_reader(tmp_path / f"out.{suffix}", max_pixels=10**9) as reader:
        assert (reader.info.height, reader.info.width) == (3 * height, 3 * side)
    assert peak < 700, f"{peak:.0f} MB"
