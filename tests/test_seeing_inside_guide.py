"""The guide's code runs and prints what the guide says it prints."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "docs" / "guide" / "seeing-inside.md"
PAIRS = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("place", range(2))
def test_code_prints_what_stands_below_it(place, tmp_path, monkeypatch, capsys):
    code, printed = PAIRS[place]
    if "import torch" in code:
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(GUIDE), "exec"), {})
    assert capsys.readouterr().out == printed
