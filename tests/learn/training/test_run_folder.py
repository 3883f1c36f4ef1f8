"""Who may go on in a run's folder, and who is told what."""

import shutil

import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import DatabaseError, TrainingError  # noqa: E402
from pellucid.learn.data.create_database import create_database  # noqa: E402
from pellucid.learn.data.database_plan import DatabaseOptions  # noqa: E402
from pellucid.learn.recipes import recipe_from_text  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.run_folder import RunFolder  # noqa: E402
from tests.learn.training.tiny import job, logged  # noqa: E402


@pytest.fixture(scope="module")
def finished(tmp_path_factory, crops):
    run = tmp_path_factory.mktemp("finished") / "run"
    train(job(run, crops, "steps=2"))
    return run


@pytest.fixture
def run(tmp_path, finished):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("optimiser.rate=2e-3", r"recipe: optimiser.rate differs; seen: 0.001; expected: 0.002"),
        ("seed=8", r"recipe: seed differs"),
        ("loss=l1", r"recipe: loss.name differs; seen: mse; expected: l1"),
        ("network.channels=5", r"recipe: network.channels differs; seen: 4; expected: 5"),
        ("steps=3", r"recipe: steps differs"),
        ("data.degradation=box", r"recipe: data.degradation.name differs"),
    ],
)
def test_another_recipe_is_refused_with_its_key(run, crops, change, line):
    changes = ["steps=2", change]
    with pytest.raises(TrainingError, match=f"made by another run: {line}.*--run"):
        train(job(run, crops, *changes))


def test_another_database_is_refused(run, crops, tmp_path):
    source = crops.parent / "pictures"
    other = create_database([source], tmp_path / "o.db", DatabaseOptions(crop=24, count=50, val=0.2, seed=9), jobs=1)
    with pytest.raises(TrainingError, match="database differs"):
        train(job(run, other.path, "steps=2"))


def test_another_precision_is_refused(run, crops):
    with pytest.raises(TrainingError, match="precision differs; seen: fp32; expected: bf16"):
        train(job(run, crops, "steps=2", precision="bf16"))


def test_what_changes_no_weight_may_differ(run, crops):
    assert (
        train(job(run, crops, "steps=2", "log_every=7", "validation.every=3", "about=again")).ending == "was finished"
    )


def test_other_threads_are_said_aloud(run, crops):
    folder = RunFolder(run)
    recipe, facts = folder.recipe(), folder.facts()
    assert folder.begin(recipe, facts) == []
    assert folder.begin(recipe, facts | {"threads": 5}) == ["threads was 1 and is 5"]


def test_the_folder_tells_what_the_run_last_used_and_what_before(run):
    folder = RunFolder(run)
    facts = folder.facts()
    folder.go_on(facts, 1)
    assert folder.facts() == facts
    folder.go_on(facts | {"threads": 5}, 2)
    folder.go_on(facts | {"threads": 5, "torch": "9"}, 4)
    earlier = [{"until": 2, "threads": 1}, {"until": 4, "torch": facts["torch"]}]
    assert folder.facts() == facts | {"threads": 5, "torch": "9", "earlier": earlier}
    assert folder.begin(folder.recipe(), facts | {"threads": 5, "torch": "9"}) == []


def test_what_a_finished_run_used_stays(run, crops):
    before = (run / "run.json").read_text()
    train(job(run, crops, "steps=2", engine="torch"))
    assert (run / "run.json").read_text() == before


def test_crops_that_are_too_small_are_refused(tmp_path, crops):
    with pytest.raises(DatabaseError, match="seen: 24 pixels; expected: at least 48; hint: train on smaller patches"):
        train(job(tmp_path / "run", crops, "data.patch=48"))


def test_no_database_and_nothing_to_draw(tmp_path):
    with pytest.raises(DatabaseError, match="pellucid createdb.*--data"):
        train(job(tmp_path / "run", None))


def test_a_folder_of_other_things_is_left_alone(tmp_path, crops):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(TrainingError, match="not a run's and not empty; seen: .*letters holds a.txt"):
        train(job(tmp_path / "letters", crops))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    cannot = pytest.raises(TrainingError, match="the run's folder cannot be written; seen: .*Not a directory")
    with cannot, RunFolder(tmp_path / "file" / "run").locked():
        pass


def test_two_processes_cannot_train_in_one_folder(tmp_path, crops):
    with RunFolder(tmp_path / "run").locked(), pytest.raises(TrainingError, match="another process is training"):
        train(job(tmp_path / "run", crops))


def test_the_folder_keeps_recipe_and_log(run):
    assert recipe_from_text((run / "recipe.yaml").read_text()) == RunFolder(run).recipe()
    assert logged(run, "loss") == [1, 2] and logged(run, "psnr") == [0, 2]
    assert {"torch", "threads", "processor", "database"} <= RunFolder(run).facts().keys()


def test_a_damaged_folder_is_named(run, crops):
    (run / "run.json").write_text("{")
    with pytest.raises(TrainingError, match="the run's folder is damaged; seen: .*run.json"):
        train(job(run, crops, "steps=2"))
