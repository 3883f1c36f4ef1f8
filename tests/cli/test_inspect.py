"""`pellucid inspect`: a page where it was wanted, nothing overwritten, one line for what is wrong."""

import subprocess
import sys

import numpy as np
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


def test_a_run_is_looked_at_by_its_folder(tmp_path, capsys):
    pytest.importorskip("torch")
    run, page = tmp_path / "mine", tmp_path / "page.html"
    small = ["--steps", "3", *(f"--set={key}=4" for key in ("data.pictures", "data.batch", "network.channels"))]
    assert cli.run(["train", "identity", "--run", str(run), *small, "--set=goal_psnr=0"]) == 0
    before = sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*"))
    capsys.readouterr()
    assert cli.run(["inspect", str(run), "-o", str(page), "--budget", "5m"]) == 0
    said, text = capsys.readouterr().out, page.read_text()
    assert "hidden units" in said and "Gradients" in said and said.splitlines()[-1] == str(page)
    assert "<h1>mine</h1>" in text and "<dt>task</dt><dd>identity</dd>" in text and "<td>layers.<wbr>0</td>" in text
    assert sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*")) == before


def test_a_network_of_the_registry_is_looked_at_with_random_weights(tmp_path, capsys):
    pytest.importorskip("torch")
    page = tmp_path / "page.html"
    assert cli.run(["inspect", "lenet5", "-o", str(page)]) == 0
    assert "Gradients" in capsys.readouterr().out and "random weights" in page.read_text()


def test_without_torch_models_are_looked_at_all_the_same(tmp_path, model, capsys, monkeypatch):
    from pellucid.cli import inspect

    monkeypatch.setattr(inspect, "has_torch", lambda: False)
    page = tmp_path / "page.html"
    assert cli.run(["inspect", model, "-o", str(page)]) == 0
    assert "need torch" in page.read_text() and "Gradients" not in capsys.readouterr().out


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # whoever imports it fails
from pellucid import cli
sys.exit(cli.run(sys.argv[1:]))
"""


def test_a_page_with_a_folder_of_pictures_is_made_where_torch_cannot_be_imported(tmp_path, model):
    from pellucid.picture import Picture, write

    random = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for i in range(4):
        write(str(tmp_path / "pictures" / f"{i}.png"), Picture(random.integers(0, 255, (40, 50, 3), np.uint8)))
    page = tmp_path / "page.html"
    options = ["--folder", str(tmp_path / "pictures"), "-o", str(page)]
    command = [sys.executable, "-c", WITHOUT_TORCH, "inspect", model, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "need torch" in text and "Gradients through depth</h2>" not in text
    for heading in ("Filters", "Activations", "The strongest regions of the pictures", "The pictures themselves"):
        assert f"<h2>{heading}</h2>" in text


def test_a_break_leaves_nothing_behind(tmp_path, model, monkeypatch):
    from pellucid.cli import inspect
    from pellucid.inspect import inspection

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspect, "has_torch", lambda: False)
    monkeypatch.setattr(inspection, "equivariance", broken)
    assert cli.run(["inspect", model, "-o", str(tmp_path / "page.html")]) not in (0, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["small.safetensors"]
