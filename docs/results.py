"""The page of results: figures from the cards of the models that ship, times from the newest record of
`benchmarks/models.py`, classical denoisers from that of `benchmarks/classical.py`, published figures beside them.
Nothing is measured here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs import published  # noqa: E402
from training.measuring import CAMERA, NOISE  # noqa: E402

import pellucid  # noqa: E402
from pellucid import Network, models  # noqa: E402

SETS = ("Set5", "Set14", "B100")
JPEG, ENSEMBLE = "Set14, JPEG 50", "Set5, self-ensemble"
FOLDERS = {"Set12": "set12", "BSD68": "bsd68_gray", "CBSD68": "bsd100 --only cbsd68_in_bsd100.txt"}

FROM_JPEG = """
A JPEG file of quality 50, three times larger by bicubic interpolation, `superres-x3`, `superres-x3-photo`, and the
original (`python docs/pictures.py`):

![a cat's face four times](pictures/from-jpeg.png)
"""
FROM_CAMERA = """
Noise of 20 grey levels as a camera leaves it, shared by neighbouring pixels and stronger in the shadows, stored in 8
bits; `denoise-colour` and `denoise-photo`, each by the level that it measures itself, and the original. The command
prints 21.7 dB for the noisy picture, 22.0 and 30.7 for the two:

![a cat's eye four times](pictures/camera-noise.png)
"""
ABLATION = ROOT / "training" / "ablation.json"

Rows = Iterable[Sequence[str]]


def results_page() -> str:
    """The figures of the models that ship, with the command that gives each, and the published ones beside them."""
    loaded = {name: pellucid.load(name) for name in models.names()}
    found = {name: network for name, network in loaded.items() if network.card.figures}
    scales = sorted({n.card.scale or 0 for n in found.values() if n.card.task == "superres"})
    of = {task: {k: n for k, n in found.items() if n.card.task == task} for task in ("denoise", "segment", "classify")}
    parts = [_head()]
    for scale in scales:
        parts.append(_superres(scale, {k: n for k, n in found.items() if n.card.scale == scale}))
    if of["denoise"]:
        parts.append(_denoise(of["denoise"]))
    if of["segment"]:
        parts.append(_streets(of["segment"]))
    parts += [_classes(name, network) for name, network in of["classify"].items()]
    if ABLATION.exists():
        parts.append(_ablation(json.loads(ABLATION.read_text())))
    return "\n".join(part for part in parts if part)


def _head() -> str:
    timed = ""
    for record in _records():
        machine = record["machine"]
        timed += (
            f" {record['threads']} threads of {machine['processor']} with {machine['in use']}, "
            f"[`{record['file']}`](../benchmarks/record/{record['file']});"
        )
    if timed:
        timed = (
            f" Times:{timed.rstrip(';')}; a megapixel is one of the result's, a dash a model that is another since; "
            "command: `python benchmarks/models.py`."
        )
    return (
        "# Results\n\nMade by `make docs` from the models' cards, whose figures `training/ship.py` measured. "
        f"The test sets are their authors'; `DIR` is a folder that holds one of them.{timed}\n"
    )


def _records() -> list[dict[str, Any]]:
    """The newest record of times for each instruction set, in their names' order."""
    newest: dict[str, dict[str, Any]] = {}
    for path in sorted((ROOT / "benchmarks" / "record").glob("*-models.json")):
        record = json.loads(path.read_text())
        newest[record["machine"]["in use"]] = {**record, "file": path.name}
    return [newest[isa] for isa in sorted(newest)]


def _classical() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """What learns nothing: method -> set and noise -> figures."""
    records = sorted((ROOT / "benchmarks" / "record").glob("*-classical.json"))
    return json.loads(records[-1].read_text())["methods"] if records else {}


def _timed_on() -> str:
    return "s/megapixel, " + " / ".join(record["machine"]["in use"] for record in _records())


def _times_of(name: str, network: Network) -> str:
    """On each machine; a dash where nobody timed it, or where its shape is another since."""
    found = [record["models"].get(name, {}) for record in _records()]
    same = [abs(time.get("parameters", 0) / network.parameters - 1) < 0.01 for time in found]
    return " / ".join(
        f"{time['seconds_per_megapixel']:.3f}" if fits else "–" for time, fits in zip(found, same, strict=True)
    )


def _superres(scale: int, networks: Mapping[str, Network]) -> str:
    first = next(iter(networks.values()))
    protocol = {f.data: f.protocol for f in first.card.figures}
    rows = [("bicubic", *(_cells(first, data, " of bicubic") for data in SETS), "")]
    rows += [_ours(name, network, SETS) for name, network in networks.items()]
    rows += [(*row, "") for row in published.SUPERRES.get(scale, ())]
    return "\n".join(
        [
            f"## Super-resolution, {scale} times\n",
            f"{protocol.get('Set5', '')}. Each cell is PSNR / SSIM, ours with GMSD as well. "
            f"`pellucid evaluate NAME --data DIR --scale {scale}`.\n",
            _table((f"x{scale}", *SETS, _timed_on()), rows),
            "",
            "The rows below ours are the papers' own figures, by the same protocol. "
            + _purposes(networks)
            + _averaged(networks),
            _from_jpeg(scale, networks),
        ]
    )


def _averaged(networks: Mapping[str, Network]) -> str:
    """What the mean over the eight flips and turns brings."""
    found = [(name, _values(n, ENSEMBLE)) for name, n in networks.items() if _values(n, ENSEMBLE)]
    if not found:
        return ""
    each = ", ".join(f"`{name}` {values['psnr']:.2f} / {values['ssim']:.4f}" for name, values in found)
    same = [
        f"`{name}`" for name, values in found if abs(values["psnr"] - _values(networks[name], "Set5")["psnr"]) < 5e-3
    ]
    turning = f"; {', '.join(same)} turn with the picture, and have nothing to gain" if same else ""
    return f" Averaged over the eight flips and turns (`--ensemble`), on Set5: {each}{turning}."


def _from_jpeg(scale: int, networks: Mapping[str, Network]) -> str:
    """The same where the small picture is a JPEG, for the scales that have a model for it."""
    measured = {name: n for name, n in networks.items() if _values(n, JPEG)}
    if not any(name.endswith("-photo") for name in measured):
        return ""
    first = next(iter(measured.values()))
    rows = [("bicubic", _cells(first, JPEG, " of bicubic"))]
    rows += [(f"**{name}**", f"**{_cells(n, JPEG)}**") for name, n in measured.items()]
    return (
        "\nWhere the small picture is a JPEG file of quality 50, as photographs are found "
        f"(`pellucid evaluate NAME --data DIR --scale {scale} --quality 50`):\n\n"
        + _table((f"x{scale}", "Set14 from JPEG"), rows)
        + "\n"
        + (FROM_JPEG if scale == 3 and (ROOT / "docs" / "pictures" / "from-jpeg.png").exists() else "")
    )


def _denoise(networks: Mapping[str, Network]) -> str:
    shown = "Noise of 25 grey levels, non-local means, `denoise-colour`, the original (`python docs/pictures.py`):"
    picture = f"{shown}\n\n![a cat's face four times](pictures/denoising.png)\n"
    parts = ["## Denoising\n", _protocol(networks) + "\n", picture]
    for data, rows in {**published.GREY, **published.COLOUR}.items():
        fitting = {k: n for k, n in networks.items() if any(f.data.startswith(f"{data},") for f in n.card.figures)}
        if not fitting:
            continue
        titles = [f"{data}, noise {sigma}" for sigma in NOISE]
        table = [row for name, n in fitting.items() for row in (_ours(name, n, titles), _as_files(name, n, titles))]
        table += [
            (_classical_title(method), *(_classical_cell(found[title]) for title in titles), "")
            for method, found in _classical().items()
            if set(titles) <= set(found)
        ]
        table += [(*row, "") for row in rows]
        noisy = next(iter(fitting.values()))
        first = ("nothing done", *(_cells(noisy, title, " of noisy") for title in titles), "")
        command = f"`pellucid evaluate NAME --data {FOLDERS[data]} --sigma 25`"
        parts.append(_table((data, *(f"noise {s}" for s in NOISE), _timed_on()), [first, *table]) + f"\n\n{command}\n")
    parts += [_about_classical(), _camera(networks)]
    return "\n".join([*parts, _purposes(networks) + "\n"])


def _camera(networks: Mapping[str, Network]) -> str:
    """The networks for colour where noise is a camera's, the model for it among them."""
    titles = [f"CBSD68, a camera's noise {sigma}" for sigma in CAMERA]
    fitting = {name: n for name, n in networks.items() if all(_values(n, title) for title in titles)}
    if not fitting:
        return ""
    first = next(iter(fitting.values()))
    protocol = next(f.protocol for f in first.card.figures if f.data == titles[0])
    rows = [("nothing done", *(_cells(first, title, " of noisy") for title in titles))]
    rows += [_ours(name, n, titles)[:-1] for name, n in fitting.items()]
    table = _table(("CBSD68", *(f"a camera's noise {sigma}" for sigma in CAMERA)), rows)
    what = re.sub(r", of sigma \d+ of 255 at middle grey", " (grey levels at middle grey)", protocol)
    command = f"`pellucid evaluate NAME --data {FOLDERS['CBSD68']} --sigma 25 --camera`"
    return f"Where noise is a camera's. {what}:\n\n{table}\n\n{command}\n{FROM_CAMERA}"


def _classical_title(method: str) -> str:
    name, _, few = method.partition(" on ")
    return f"{name}, measured here" + (f", on {few} of the pictures" if few else "")


def _classical_cell(figures: Mapping[str, float]) -> str:
    return f"{figures['psnr']:.2f} / {figures['ssim']:.4f} / {figures['gmsd']:.4f}"


def _about_classical() -> str:
    if not (methods := _classical()):
        return ""
    few = next((method.partition(" on ")[2] for method in methods if " on " in method), "")
    why = (
        f" BM3D is slow, so it saw {few} pictures spread over each set; ours of the same stands beside it."
        if few
        else ""
    )
    return f"Methods that learn nothing were measured by `python benchmarks/classical.py --data DIR`.{why}\n"


def _as_files(name: str, network: Network, titles: Iterable[str]) -> tuple[str, ...]:
    """PSNR where noisy picture and result are files of 8 bits, which clip the noise at black and white."""
    cells = (_values(network, title).get("psnr as 8 bit") for title in titles)
    return (f"{name}, from and to 8-bit files", *("" if cell is None else f"{cell:.2f}" for cell in cells), "")


def _protocol(networks: Mapping[str, Network]) -> str:
    figure = next(iter(networks.values())).card.figures[0]
    return (
        re.sub(r" of sigma \d+ of 255", "", figure.protocol)
        + ". Each of our cells is PSNR / SSIM / GMSD; rows of PSNR alone are the papers' own."
    )


def _streets(networks: Mapping[str, Network]) -> str:
    rows = [
        (
            f"**{name}, {n.parameters:,} parameters**",
            f"**{f.values['mean IoU']:.1%}**",
            f"{f.values['pixels']:.1%}",
        )
        for name, n in networks.items()
        for f in n.card.figures
    ]
    protocol = next(iter(networks.values())).card.figures[0].protocol
    classes = {k: v for n in networks.values() for k, v in n.card.figures[0].values.items() if k.startswith("IoU of ")}
    each = ", ".join(f"{name.removeprefix('IoU of ')} {100 * value:.0f}" for name, value in classes.items())
    commands = ", ".join(f"`pellucid evaluate {name} --data CAMVID`" for name in networks)
    return (
        f"## Streets\n\nCamVid: {protocol}: {commands}.\n\n"
        + _table(("network", "mean IoU", "pixels right"), [*rows, *published.STREETS])
        + f"\n\nClass by class: {each}. {_purposes(networks)}\n"
    )


def _classes(name: str, network: Network) -> str:
    rows = [
        (
            f"**{name}, {network.parameters:,} parameters**",
            f"**{f.values['accuracy']:.2%}**",
            f"{f.values['cross-entropy']:.4f}",
        )
        for f in network.card.figures
    ]
    protocol = "; ".join(f"{f.data}: {f.protocol}" for f in network.card.figures)
    command = f"`python training/ship.py RUN {name} --data MNIST`"
    return (
        f"## {name}\n\n{network.card.purpose}\n\n{protocol}: {command}.\n\n"
        + _table(("network", "accuracy", "cross-entropy"), [*rows, *published.DIGITS])
        + "\n\nThe rows below ours are the documents' own figures: the second one's held-out accuracy after one epoch,"
        + " and LeNet-5's on the test files.\n"
    )


def _ablation(record: Mapping[str, Any]) -> str:
    """What each choice bought: differences are from the first row."""
    first = record["results"][0]
    rows = []
    for r in record["results"]:
        apart = [f"{r[key] - first[key]:+.2f}" if r is not first else "" for key in ("psnr", "psnr_y")]
        rows.append((r["words"], f"{r['psnr']:.2f}", apart[0], f"{r['psnr_y']:.2f}", apart[1]))
    return (
        "## What each choice bought\n\nThe recipe "
        f"`{record['recipe']}` with ReLU, as it was when these were chosen, and with one choice changed "
        f"at a time, {record['steps']:,} steps each; PSNR in dB on the "
        f"same {record['crops']} crops of photographs that nothing learned from. One short run of each: a few "
        "hundredths are chance, and what learns slowly is at a disadvantage. `python training/ablation.py --data "
        "runs/detail.db --plain-data runs/plain.db --run runs/ablation`; the second database is made without "
        "`--min-detail`.\n\n" + _table(("", "colours", "", "Y", ""), rows) + "\n"
    )


def _ours(name: str, network: Network, titles: Iterable[str]) -> tuple[str, ...]:
    cells = (_cells(network, title) for title in titles)
    title = f"**{name}, {network.parameters:,} parameters**"
    return (title, *(f"**{cell}**" if cell else "" for cell in cells), _times_of(name, network))


def _cells(network: Network, data: str, of: str = "") -> str:
    """PSNR / SSIM / GMSD, or nothing where the card has none."""
    values = _values(network, data)
    digits = (("psnr", 2), ("ssim", 4), ("gmsd", 4))
    return " / ".join(f"{values[key + of]:.{n}f}" for key, n in digits if key + of in values)


def _values(network: Network, data: str) -> Mapping[str, float]:
    return next((f.values for f in network.card.figures if f.data == data), {})


def _purposes(networks: Mapping[str, Network]) -> str:
    """What each is for, and what bfloat16 costs it."""
    words = []
    for name, network in networks.items():
        loss = "" if network.card.bf16_loss_db is None else f" bfloat16 costs it {network.card.bf16_loss_db:g} dB."
        words.append(f"`{name}`: {network.card.purpose}{loss}")
    return " ".join(words)


def _table(titles: Sequence[str], rows: Rows) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
