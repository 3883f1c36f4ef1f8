"""`pellucid inspect`: a page where it was wanted, nothing overwritten, one line for what is wrong."""

import pytest

from pellucid import cli
from tests.small_models import superres_model

pytest.importorskip("matplotlib")


@pytest.fixture
def model(tmp_path):
    return str(superres_model(tmp_path / "small.safetensors"))


def test_a_page_is_written_once(tmp_path, model, capsys):
    page = tmp_path / "page.html"
    assert cli.run(["inspect", model, "-o", str(page)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == str(page) and "hidden layer" in captured.out and not captured.err
    assert page.read_text().endswith("</html>\n") and sorted(p.name for p in tmp_path.iterdir()) == [
        "page.html",
        "small.safetensors",
    ]
    before = page.stat().st_mtime_ns
    assert cli.run(["inspect", model, "-o", str(page)]) == 2
    assert "--overwrite" in capsys.readouterr().err and page.stat().st_mtime_ns == before
    assert cli.run(["inspect", model, "-o", str(page), "--overwrite", "--budget", "2m"]) == 0


def test_what_is_wrong_is_one_line(tmp_path, model, capsys):
    assert cli.run(["inspect", model, "-o", str(tmp_path / "none" / "page.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert cli.run(["inspect", model, "--budget", "soon"]) == 2
    assert "is no time" in capsys.readouterr().err
