"""`make docs`: writes the pages that are made from the code and the models: `docs/reference/commands.md` from the
commands' own help, `docs/results.md` from the figures in the cards of the models that ship. `tests/test_docs.py` holds
the pages to them, and every link in the documents to a file that is there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

import pellucid
from pellucid import models
from pellucid.card import Card
from pellucid.cli import COMMANDS
from pellucid.cli import pellucid as root

FOLDER = Path(__file__).parent

# Super-resolution x3, PSNR/SSIM on the Y channel with a border of 3 cut, as the papers print them.
PUBLISHED = """
| SRCNN, 57,281 parameters | 32.75 / 0.9090 | 29.28 / 0.8209 | 28.41 / 0.7863 |
| VDSR, 665 K | 33.66 / 0.9213 | 29.77 / 0.8314 | 28.82 / 0.7976 |
| DRRN, 0.3 M | 34.03 / 0.9244 | 29.96 / 0.8349 | 28.95 / 0.8004 |
| CARN, 1,592 K | 34.29 / 0.9255 | 30.29 / 0.8407 | 29.06 / 0.8034 |
| IMDN, 703 K | 34.36 / 0.9270 | 30.32 / 0.8417 | 29.09 / 0.8046 |
| SwinIR-light, 886 K | 34.62 / 0.9289 | 30.54 / 0.8463 | 29.20 / 0.8082 |
""".strip()

# MNIST, as the documents give it: accuracy and cross-entropy.
DIGITS = """
| LeNet-5, 1998 | 99.2% | |
| the second document's network, 836,522 parameters, one epoch | 98.64% | 0.0423 |
""".strip()


def commands_page() -> str:
    """What `pellucid NAME --help` says."""
    parts = ["# Commands\n\nWhat `pellucid NAME --help` says; made by `make docs`.\n", _help("pellucid", root)]
    for name in COMMANDS:
        parts.append(_help(f"pellucid {name}", importlib.import_module(f"pellucid.cli.{name}").command))
    return "\n".join(parts)


def results_page() -> str:
    """The figures of the models that ship, with the command that gives each, and the published ones beside them."""
    parts = [
        "# Results\n\nMade by `make docs` from the models' cards, whose figures `training/ship.py` measured. "
        "The test sets are their authors'; `DIR` is a folder that holds one of them.\n"
    ]
    for name in models.names():
        network = pellucid.load(name)
        if network.card.task == "superres":
            parts.append(_superres(name, network.card, network.parameters))
        if network.card.task == "classify":
            parts.append(_classes(name, network.card, network.parameters))
    return "\n".join(parts)


PAGES = {FOLDER / "reference" / "commands.md": commands_page, FOLDER / "results.md": results_page}


def _help(title: str, command: click.Command) -> str:
    settings = {"max_content_width": 100, "terminal_width": 100, "help_option_names": ["-h", "--help"]}
    context = command.make_context(title, [], resilient_parsing=True, **settings)
    return f"## {title}\n\n```\n{command.get_help(context)}\n```\n"


def _superres(name: str, card: Card, parameters: int) -> str:
    sets = {figure.data: figure.values for figure in card.figures}
    ours = " | ".join(f"**{v['psnr']:.2f} / {v['ssim']:.4f}**" for v in sets.values())
    bicubic = " | ".join(f"{v['psnr of bicubic']:.2f} / {v['ssim of bicubic']:.4f}" for v in sets.values())
    table = [
        f"| x{card.scale} | " + " | ".join(sets) + " |",
        "| --- " * (len(sets) + 1) + "|",
        f"| bicubic | {bicubic} |",
        f"| **{name}, {parameters:,} parameters** | {ours} |",
        *(PUBLISHED.splitlines() if card.scale == 3 else ()),
    ]
    protocol = card.figures[0].protocol if card.figures else ""
    return (
        f"## {name}\n\n{card.purpose} {protocol}.\n\n"
        f"`pellucid evaluate {name} --data DIR --scale {card.scale}`; bfloat16 costs {card.bf16_loss_db} dB.\n\n"
        + "\n".join(table)
        + "\n\nThe rows below ours are the papers' own figures, by the same protocol.\n"
    )


def _classes(name: str, card: Card, parameters: int) -> str:
    rows = [
        f"| **{name}, {parameters:,} parameters** | **{f.values['accuracy']:.2%}** | {f.values['cross-entropy']:.4f} |"
        for f in card.figures
    ]
    protocol = "; ".join(f"{f.data}: {f.protocol}" for f in card.figures)
    return (
        f"## {name}\n\n{card.purpose}\n\n{protocol}.\n\n"
        + "\n".join(["| network | accuracy | cross-entropy |", "| --- " * 3 + "|", *rows, *DIGITS.splitlines()])
        + "\n\nThe rows below ours are the documents' own figures: the second one's held-out accuracy after one epoch,"
        + " and LeNet-5's on the test files.\n"
    )


if __name__ == "__main__":
    for page, text in PAGES.items():
        page.write_text(text())
        print(f"wrote {page}", file=sys.stderr)
