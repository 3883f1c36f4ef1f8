"""`pellucid optimisers`: a row per optimiser, and a picture."""

import pytest

from pellucid import cli
from pellucid.inspect.landscapes import OPTIMISERS


def test_table_and_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "paths.png"
    assert cli.run(["optimisers", "--steps", "15", "-o", str(picture)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in out[1:-1]] == list(OPTIMISERS)
    assert "valley <= 0.001" in out[0] and "- at " in out[1] and out[-1] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert cli.run(["optimisers", "-o", str(picture)]) == 2
    assert "--overwrite" in capsys.readouterr().err
