"""Thousands of files with a few bytes changed: one clear line each or a picture, never a crash, never noise."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from pellucid.picture import Picture, write
from tests.picture.samples import exif_blob, noisy, profile, vips_file

READ_ALL = """
    import os, sys
    from pellucid import picture
    from pellucid.errors import PellucidError

    read = refused = 0
    for name in sorted(os.listdir(sys.argv[1])):
        try:
            picture.read(os.path.join(sys.argv[1], name), max_pixels=1_000_000)
            read += 1
        except PellucidError as error:
            assert name in str(error) and "\\n" not in str(error), error
            refused += 1
    print(read, refused)
"""


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = rng.integers(0, min(len(data), 400) if rng.random() < 0.7 else len(data))
        changed[at] = rng.choice([0, 255, 127, 128, rng.integers(256)])
    return bytes(changed[: rng.integers(0, len(data))] if rng.random() < 0.15 else changed)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".gif", ".bmp", ".float.tif"])
def test_damaged_files_never_crash_and_never_make_noise(tmp_path, suffix):
    folder, whole = tmp_path / "damaged", tmp_path / f"whole{suffix}"
    folder.mkdir()
    if suffix in (".bmp", ".float.tif"):
        write(whole, Picture(noisy(19, 17, 3, np.float32 if suffix == ".float.tif" else np.uint8)))
    else:
        exif = exif_blob(6, thumbnail=b"old" * 20)
        whole.write_bytes(vips_file(noisy(19, 17, 3), suffix, orientation=6, exif=exif, icc=profile(3)))
    rng = np.random.default_rng(5)
    for index in range(150):
        (folder / f"{index:03}").write_bytes(damaged(whole.read_bytes(), rng))
    command = [sys.executable, "-c", textwrap.dedent(READ_ALL), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    read, refused = map(int, done.stdout.split())
    assert read + refused == 150 and refused > 5
