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
    if code := run(["upscale", sys.argv[1], "-o", sys.argv[2], "--scale", "3"]):
        sys.exit(code)
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_megabytes(source: Path, target: Path) -> float:
    command = [sys.executable, "-c", textwrap.dedent(UPSCALE), str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.heavy
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_nine_hundred_megapixels_in_seven_hundred_megabytes(tmp_path: Path, suffix: str) -> None:
    side = 10_000
    rows = np.cumsum(np.random.default_rng(1).integers(-3, 4, (100, side, 3)), axis=1).astype(np.uint8)
    with picture.open_writer(tmp_path / "big.png", picture.PictureInfo(side, side, 3)) as writer:
        for y in range(0, side, 100):
            writer.write(rows + np.uint8(y // 100))
    peak = peak_megabytes(tmp_path / "big.png", tmp_path / f"out.{suffix}")
    with picture.open_reader(tmp_path / f"out.{suffix}", max_pixels=10**9) as reader:
        assert (reader.info.height, reader.info.width) == (3 * side, 3 * side)
    assert peak < 700, f"{peak:.0f} MB"
