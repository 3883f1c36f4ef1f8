"""Every case of the generator, every entry of every gradient: the table in docs/reference/textbook.md.

python -m tests.reference.report                    prints the table, and holds each error to its limit
python -m tests.reference.report --write            puts it into docs/reference/textbook.md
"""

import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import numpy as np

from tests.reference.cases import TOLERANCE_NUMERIC, TOLERANCE_TORCH, Case, gradient_error, torch_errors

PAGE = Path(__file__).parents[2] / "docs/reference/textbook.md"
BEGIN, END = "<!-- report begins -->\n", "<!-- report ends -->\n"
HEAD = (
    "| operation | cases | gradients: worst error beside central differences | with torch | output: worst error beside"
    " torch | gradients: worst error beside torch |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
)


class Row:
    """One operation's counts and worst errors."""

    def __init__(self) -> None:
        self.cases = self.with_torch = 0
        self.numeric = self.output = self.gradients = 0.0

    def add(self, case: Case) -> None:
        self.cases += 1
        if case.gradients:
            self.numeric = max(self.numeric, gradient_error(case, entries=None))
        if case.torch is not None:
            output, gradients = torch_errors(case)
            self.with_torch += 1
            self.output, self.gradients = max(self.output, output), max(self.gradients, gradients)

    def merge(self, other: "Row") -> None:
        self.cases, self.with_torch = self.cases + other.cases, self.with_torch + other.with_torch
        self.numeric = max(self.numeric, other.numeric)
        self.output, self.gradients = max(self.output, other.output), max(self.gradients, other.gradients)

    def line(self, name: str) -> str:
        torch = f"{self.output:.1e} | {self.gradients:.1e}" if self.with_torch else "- | -"
        return f"| {name} | {self.cases} | {self.numeric:.1e} | {self.with_torch or '-'} | {torch} |\n"


def modules() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))


def layer_table() -> str:
    rows: dict[str, Row] = defaultdict(Row)
    for name in modules():
        for case in getattr(import_module(f"tests.reference.{name}"), "CASES", []):
            rows[case.operation].add(case)
        print(name, file=sys.stderr)
    total = Row()
    for row in rows.values():
        total.merge(row)
    assert total.numeric < TOLERANCE_NUMERIC and max(total.output, total.gradients) < TOLERANCE_TORCH
    return HEAD + "".join(row.line(name) for name, row in rows.items()) + total.line("**all**")


def optimiser_table() -> str:
    optimisers = import_module("tests.reference.test_optimisers")
    lines = [
        f"| {twin} | torch.optim.{twin.torch_name} | {optimisers.error_beside_torch(twin):.1e} |\n"
        for twin in optimisers.TWINS
    ]
    return f"| optimiser | beside | worst error in {optimisers.STEPS} steps |\n| --- | --- | ---: |\n" + "".join(lines)


def main() -> None:
    import torch

    text = f"{layer_table()}\n{optimiser_table()}\nWith NumPy {np.__version__} and torch {torch.__version__}.\n"
    print(text)
    if "--write" in sys.argv[1:]:
        page = PAGE.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
