"""The written face of the compiled module names what the module has, and nothing else."""

import ast
from pathlib import Path

import pellucid
from pellucid import _engine


def test_the_stub_and_the_module_agree():
    tree = ast.parse((Path(pellucid.__file__).parent / "_engine.pyi").read_text())
    written = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    numbers = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id.isupper()}
    public = {name for name in vars(_engine) if not name.startswith("_")}
    assert set(written) | numbers == public
    for name, node in written.items():
        if isinstance(node, ast.ClassDef):
            methods = {f.name for f in node.body if isinstance(f, ast.FunctionDef)} - {"__init__"}
            assert methods == {m for m in vars(getattr(_engine, name)) if not m.startswith("_")}
