"""Memory does not grow with the picture: a hundred megapixels pass through a small process."""

import subprocess
import sys
import textwrap

import pytest

PASS = """
    import sys
    from dataclasses import replace
    from pellucid import picture

    with picture.open_reader(sys.argv[1]) as reader:
        with picture.open_writer(sys.argv[2], replace(reader.info, depth=sys.argv[3])) as writer:
            for pixels, alpha in reader.rows(64):
                writer.write(pixels, alpha)
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
MAKE = """
    import sys, numpy as np
    from pellucid import picture

    height, width = int(sys.argv[2]), int(sys.argv[3])
    rows = np.cumsum(np.random.default_rng(1).integers(-3, 4, (100, width, 3)), axis=1).astype(np.uint8)
    with picture.open_writer(sys.argv[1], picture.PictureInfo(height, width, 3)) as writer:
        for y in range(0, height, 100):
            writer.write(rows + np.uint8(y // 100))
"""


def run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.heavy
def test_a_hundred_megapixels_in_a_quarter_of_a_gigabyte(tmp_path):
    run(MAKE, tmp_path / "big.png", 10_000, 10_000)
    run(PASS, tmp_path / "big.png", tmp_path / "big.bmp", "8")
    run(PASS, tmp_path / "big.png", tmp_path / "big.jpg", "8")
    run(PASS, tmp_path / "big.png", tmp_path / "big.tif", "8")
    sources = ["big.png", "big.jpg", "big.tif", "big.bmp"]
    targets = [("out.png", "8"), ("out.jpg", "8"), ("out.tif", "8"), ("float.tif", "float")]
    for index, source in enumerate(sources):
        target, depth = targets[(index + 1) % 4]
        peak = int(run(PASS, tmp_path / source, tmp_path / target, depth)) / 1024
        assert peak < 250, f"{source} -> {target}: {peak:.0f} MB"


@pytest.mark.heavy
def test_a_turned_picture_waits_on_disk_not_in_memory(tmp_path):
    import numpy as np
    import pyvips

    run(MAKE, tmp_path / "big.png", 10_000, 10_000)
    image = pyvips.Image.new_from_file(str(tmp_path / "big.png"), access="sequential").copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.jpegsave(str(tmp_path / "turned.jpg"))
    peak = int(run(PASS, tmp_path / "turned.jpg", tmp_path / "upright.jpg", "8")) / 1024
    assert peak < 250, f"{peak:.0f} MB"
    upright = pyvips.Image.new_from_file(str(tmp_path / "upright.jpg")).crop(9_000, 100, 64, 64).numpy()
    stored = pyvips.Image.new_from_file(str(tmp_path / "turned.jpg")).crop(100, 10_000 - 9_000 - 64, 64, 64).numpy()
    assert np.abs(upright.astype(int) - np.rot90(stored, -1)).max() < 40
