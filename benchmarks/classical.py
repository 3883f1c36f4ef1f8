"""Denoisers that learn nothing, on the sets and by the protocol of the models that ship: non-local means and BM3D.

    python benchmarks/classical.py --data ../shared/data/test [--every 7] [--record classical]

BM3D comes with the extra `bench`; its licence allows non-commercial use only, and nothing of Pellucid needs it. It
takes 8 s of a processor for a grey picture of BSD68 and 20 s in colour, so it sees every seventh picture of a set, or
none with `--every 0`, and our network the same ones beside it; non-local means sees all. The record grows row by row,
and the same command goes on where it was stopped. `docs/results.md` shows the newest one.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.measuring import COLOUR, GREY, Measure  # noqa: E402

import pellucid  # noqa: E402
from pellucid.evaluate import evaluate_denoise, runner  # noqa: E402
from pellucid.report import PictureFigures  # noqa: E402
from pellucid.tasks.non_local_means import non_local_means  # noqa: E402

RECORDS = Path(__file__).parent / "record"
Method = Callable[[np.ndarray, float], np.ndarray]
"""A picture and the noise's sigma, both in 0..1 -> the picture, cleaned."""

OURS = {"BSD68": "denoise-grey", "CBSD68": "denoise-colour"}
"""The sets that BM3D sees too, and what sees the same pictures beside it."""


def main() -> None:
    options = _options()
    today = datetime.date.today().isoformat()
    record = RECORDS / f"{today}-{options.record}.json" if options.record else None
    found = json.loads(record.read_text())["methods"] if record and record.exists() else {}
    for measure in (m for m in (*GREY, *COLOUR) if not m.camera):
        pictures = measure.pictures(options.data)
        rows: dict[str, tuple[Method, list[Path]]] = {"non-local means": (non_local_means, pictures)}
        if options.every and measure.data in OURS:
            few = pictures[:: options.every]
            rows[f"BM3D on {len(few)}"] = (bm3d, few)
            rows[f"{OURS[measure.data]} on {len(few)}"] = (partial(ours, pellucid.load(OURS[measure.data])), few)
        for name, (method, chosen) in rows.items():
            row = found.setdefault(name, {})
            if measure.title not in row:
                row[measure.title] = mean(measured(method, measure, chosen))
                if record:
                    record.write_text(json.dumps({"date": today, "methods": found}, indent=1) + "\n")
            print(f"{measure.title:<18} {name:<18} {row[measure.title]}", flush=True)


def measured(method: Method, measure: Measure, pictures: list[Path]) -> list[PictureFigures]:
    """Picture by picture; what 8-bit files would bring is left out, as it doubles the time."""
    sigma = measure.sigma or 0
    return evaluate_denoise(partial(method, sigma=sigma / 255), pictures, sigma, as_files=False).pictures


def ours(network: pellucid.Network, x: np.ndarray, sigma: float) -> np.ndarray:
    return runner(network, sigma=255 * sigma, precision="fp32")(x)


def bm3d(x: np.ndarray, sigma: float) -> np.ndarray:
    """(h, w, c) float32 -> the same, cleaned; colours through luma and chroma, as its authors do."""
    from bm3d import bm3d as grey
    from bm3d import bm3d_rgb

    clean = bm3d_rgb(x, sigma) if x.shape[2] == 3 else grey(x[..., 0], sigma)
    return np.asarray(clean, np.float32).reshape(x.shape)


def mean(pictures: list[PictureFigures]) -> dict[str, float]:
    """PSNR, SSIM and GMSD, rounded as cards have them."""
    digits = {"psnr": 3, "ssim": 4, "gmsd": 4}
    return {
        key: round(sum(getattr(p.model, key) for p in pictures) / len(pictures), places)
        for key, places in digits.items()
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the test sets")
    parser.add_argument("--every", type=int, default=7, help="BM3D sees every so many pictures of a set; 0: none")
    parser.add_argument(
        "--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json; docs read `classical`"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
