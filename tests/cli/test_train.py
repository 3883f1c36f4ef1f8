"""`pellucid train` and `snapshot`: what they print, refuse and leave behind."""

import pytest

torch = pytest.importorskip("torch")

from pellucid import cli  # noqa: E402

SMALL = ["--set", "data.pictures=4", "--set", "data.batch=4", "--set", "network.channels=4"]
SHORT = [*SMALL, "--steps", "3", "--set", "goal_psnr=0"]


def refused(capsys, code, *arguments):
    assert cli.run(["train", *arguments]) == code
    captured = capsys.readouterr()
    assert not captured.out and captured.err.count("\n") == 1 and captured.err.startswith("pellucid: ")
    return captured.err


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = tmp_path_factory.mktemp("train") / "run"
    assert cli.run(["train", "identity", "--run", str(run), *SHORT]) == 0
    return run


def test_a_run_leaves_what_it_promises(run):
    names = {entry.name for entry in run.iterdir()}
    assert names == {
        "recipe.yaml", "run.json", "log.jsonl", "events", "checkpoints", "curves.png", "validation.png", "drawn", "lock"
    }  # fmt: skip
    assert any(file.name.startswith("events.out.tfevents") for file in (run / "events").iterdir())


def test_a_finished_run_says_so(run, capsys):
    assert cli.run(["train", "identity", "--run", str(run), *SHORT]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{run} was finished: 3 steps, PSNR ") and second.startswith("weights ")


def test_a_goal_that_was_missed_is_an_error(run, capsys):
    assert cli.run(["train", "identity", "--run", str(run), *SHORT, "--set", "goal_psnr=40"]) == 1
    assert "the network has not learned the identity; seen: " in capsys.readouterr().err


def test_a_goal_that_was_reached_is_said(run, capsys):
    assert cli.run(["train", "identity", "--run", str(run), *SHORT, "--set", "goal_psnr=1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "learned the identity"


def test_the_pictures_are_pictures(run):
    from pellucid import picture

    assert picture.read(run / "curves.png").pixels.shape[2] in (1, 3)
    assert picture.read(run / "validation.png").pixels.shape == (4 * 10, 3 * 10, 3)  # one batch


def test_mistakes_are_one_line(tmp_path, capsys):
    run = ["--run", str(tmp_path / "run")]
    assert "did you mean 'superres'?" in refused(capsys, 2, "supperres", *run)
    assert "did you mean 'steps'?" in refused(capsys, 2, "identity", *run, "--set", "stesp=3")
    assert "unknown precision 'fp8'" in refused(capsys, 2, "identity", *run, "--precision", "fp8")
    assert "no database" in refused(capsys, 1, "superres", *run)
    assert "there is no crop database" in refused(capsys, 1, "superres", *run, "--data", str(tmp_path / "no.db"))
    assert "cannot be shared out" in refused(capsys, 2, "identity", *run, "--processes", "3")
    assert "cannot be read" in refused(capsys, 1, "identity", *run, "--from", str(tmp_path / "no.state"))
    assert not any((tmp_path / "run").glob("checkpoints/*"))


def test_another_recipe_for_the_folder_is_refused(run, capsys):
    line = refused(capsys, 1, "identity", "--run", str(run), *SHORT, "--set", "optimiser.rate=1")
    assert "recipe: optimiser.rate differs; seen: 0.01; expected: 1.0" in line


def test_a_snapshot_and_on_from_it(run, tmp_path, capsys):
    snapshot = tmp_path / "run.state"
    assert cli.run(["snapshot", str(run), "-o", str(snapshot)]) == 0
    assert capsys.readouterr().out == f"{snapshot}: step 3, {snapshot.stat().st_size:,} bytes\n"
    more = ["--run", str(tmp_path / "on"), *SMALL, "--steps", "4", "--set", "goal_psnr=0", "--from", str(snapshot)]
    assert cli.run(["train", "identity", *more]) == 0
    captured = capsys.readouterr()
    assert "is finished: 4 steps" in captured.out
    assert "weights only" in captured.err.replace("\n", " ")


@pytest.mark.heavy
def test_the_identity_is_learned(tmp_path, capsys):
    assert cli.run(["train", "identity", "--run", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "learned the identity"
