"""Who may import whom: the arrows of ARCHITECTURE.md, read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "pellucid"

STOREYS: list[set[str]] = [
    {"errors", "freed_memory"},
    {"graph", "card", "picture", "resample", "models", "batch", "fitting", "reference", "transparency"},
    {"metrics", "modelfile"},
    {"report", "whole_picture", "whole_numbers"},
    {"network"},
    {"tasks"},
    {"evaluate"},
    {"inspect"},
    {"learn"},
    {"cli", "studio"},
]
"""Rooms from the ground up. A room imports itself and rooms of lower storeys; `learn` only `cli` does, when called."""

ENGINE = {"network", "cli", "learn"}
"""The rooms that may speak to the engine."""

TRAINING = {"torch", "lightning_fabric", "tensorboardX", "yaml", "matplotlib"}


class Import(NamedTuple):
    file: str
    room: str
    target: str  # pellucid.x.y, or another package
    when_called: bool


def imports() -> Iterator[Import]:
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE)
        room = place.parts[0].removesuffix(".py")
        yield from _of(ast.parse(path.read_text(encoding="utf-8")), str(place), room, False)


def _of(tree: ast.AST, file: str, room: str, inside: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue  # for the type checker alone
        if isinstance(node, ast.Import):
            yield from (Import(file, room, alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            deeper = node.module == "pellucid"
            yield from (
                Import(file, room, f"{node.module}.{a.name}" if deeper else node.module or "", inside)
                for a in node.names
            )
        else:
            yield from _of(
                node, file, room, inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            )


ALL = sorted(set(imports()))


def storey(room: str) -> int:
    found = [level for level, rooms in enumerate(STOREYS) if room in rooms]
    assert found, f"{room} has no place yet: put it into STOREYS, and into ARCHITECTURE.md"
    return found[0]


def test_every_room_has_a_place_and_every_place_a_room() -> None:
    rooms = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix in ("", ".py")}
    for room in rooms - {"__init__", "__pycache__", "__main__"}:
        storey(room)
    assert len(ALL) > 100  # the reading works


def test_arrows_point_down() -> None:
    wrong = []
    for found in ALL:
        if not found.target.startswith("pellucid.") or found.room == "__init__":
            continue
        target = found.target.removeprefix("pellucid.")
        room = target.partition(".")[0]
        if room == "_engine":
            if found.room not in ENGINE:
                wrong.append(found)
        elif room == "__version__" or room == found.room:
            continue
        elif storey(room) >= storey(found.room):
            wrong.append(found)
    assert not wrong


def test_learning_is_known_to_the_command_line_alone_and_only_when_called() -> None:
    outside = [found for found in ALL if found.room != "learn" and found.target.startswith("pellucid.learn")]
    assert outside and not [found for found in outside if found.room != "cli" or not found.when_called]


def test_what_training_needs_is_imported_in_learning_or_by_a_command_when_called() -> None:
    needed = [found for found in ALL if found.room != "learn" and found.target.partition(".")[0] in TRAINING]
    drawing = [found for found in needed if found.target.partition(".")[0] == "matplotlib" and found.room == "inspect"]
    assert all(found.when_called for found in needed)
    assert not [found for found in needed if found.room != "cli" and found not in drawing]


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "use",
    [
        "import pellucid",
        "import pellucid; pellucid.load",
        "import pellucid.modelfile, pellucid.tasks.superres, pellucid.evaluate, pellucid.cli",
    ],
)
def test_a_fresh_python_finds_no_torch_loaded(use: str) -> None:
    heavy = "('torch', 'lightning_fabric', 'matplotlib', 'yaml')"
    assert fresh(f"{use}; import sys; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_importing_the_package_imports_not_even_numpy() -> None:
    assert fresh("import sys, pellucid; print('numpy' in sys.modules)") == "False"


def test_loading_a_model_file_loads_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys, numpy as np
from pellucid.graph import Graph, Node
from pellucid.modelfile import load, save
save({str(tmp_path / "m")!r}, Graph((Node("p", "prelu"),), 1), {{"p.weight": np.ones(1, np.float32)}})
load({str(tmp_path / "m")!r})
print("torch" in sys.modules)"""
    assert fresh(code) == "False"
