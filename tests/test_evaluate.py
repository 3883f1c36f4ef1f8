"""The published bicubic figures, the report's forms, the network's runner, and what a broken folder leads to."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

import pellucid.cli.evaluate as command_file
from pellucid.errors import PellucidError, PictureError, UsageError
from pellucid.evaluate import (
    bicubic,
    camera_noise,
    evaluate_camera,
    evaluate_denoise,
    evaluate_superres,
    named_in,
    noise,
    pictures_in,
    runner,
)
from pellucid.picture import Picture, write
from pellucid.resample import imresize
from pellucid.tasks.ensemble import ensemble

DATA = Path(__file__).parents[2] / "shared" / "data" / "test"
PUBLISHED = {
    "set5": {2: 33.66, 3: 30.39, 4: 28.42},
    "set14": {2: 30.24, 3: 27.55, 4: 26.00},
    "bsd100": {2: 29.56, 3: 27.21, 4: 25.96},
}


def smooth_picture(h: int, w: int, c: int, seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (h // 4 + 1, w // 4 + 1, c)).astype(np.uint8)
    return imresize(coarse, size=(h, w))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, c in (("b.png", 3), ("a.png", 1), ("c.tif", 3)):
        write(tmp_path / name, Picture(smooth_picture(50, 41, c, seed=ord(name[0]))))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def heavy_where(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.heavy] if name == "bsd100" else []


@pytest.mark.parametrize(
    "name, scale", [pytest.param(n, s, marks=heavy_where(n)) for n, row in PUBLISHED.items() for s in row]
)
def test_bicubic_has_the_published_figures(name: str, scale: int) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no test pictures at {DATA}")
    report = evaluate_superres(bicubic(scale), DATA / name, scale, name="bicubic")
    assert not report.failures
    assert report.mean_psnr == pytest.approx(PUBLISHED[name][scale], abs=0.02)
    assert report.mean().beside == report.mean().model


def test_superres_measures_each_picture_against_its_own_crop(folder: Path) -> None:
    seen = []

    def model(small: np.ndarray) -> np.ndarray:
        seen.append(small.shape)
        return bicubic(3)(small)

    told: list[tuple[int, int, str]] = []
    report = evaluate_superres(model, folder, 3, name="mine", progress=lambda *now: told.append(now))
    assert seen == [(16, 13, 1), (16, 13, 3), (16, 13, 3)]  # 48 x 39 of 50 x 41
    assert [p.name for p in report.pictures] == ["a.png", "b.png", "c.tif"]
    assert told[0] == (0, 3, "a.png") and told[-1][:2] == (3, 3)
    assert report.mean_psnr == pytest.approx(np.mean([p.model.psnr for p in report.pictures]))


def test_small_pictures_may_come_as_jpegs(folder: Path) -> None:
    """Worse with every step of quality, and the protocol says so."""
    figures = [evaluate_superres(bicubic(2), folder, 2, quality=quality) for quality in (None, 90, 30)]
    assert figures[0].mean_psnr > figures[1].mean_psnr + 0.1 > figures[2].mean_psnr + 0.2
    assert "stored as JPEG of quality 30" in str(figures[2].protocol)
    assert "JPEG" not in str(figures[0].protocol)


def test_a_list_names_a_part_of_a_folder(folder: Path) -> None:
    (folder / "part.txt").write_text("c.tif\na.png\n")
    chosen = named_in(folder / "part.txt", folder)
    assert [path.name for path in chosen] == ["c.tif", "a.png"]
    assert [p.name for p in evaluate_superres(bicubic(2), chosen, 2).pictures] == ["c.tif", "a.png"]
    result = invoke("bicubic", "--data", folder, "--scale", 2, "--only", folder / "part.txt", "--json", "-")
    assert [p["name"] for p in json.loads(result.stdout)["pictures"]] == ["c.tif", "a.png"]
    (folder / "part.txt").write_text("a.png\nz.png\n")
    with pytest.raises(PictureError, match=r"the list names other pictures; seen: z.png"):
        named_in(folder / "part.txt", folder)


def test_a_better_model_has_better_figures(folder: Path) -> None:
    originals = iter(sorted(folder.glob("[abc].*")))
    from pellucid.picture import read, to_float

    def cheating(small: np.ndarray) -> np.ndarray:
        return to_float(read(next(originals)).pixels[:48, :40])  # scale 2 crops 50 x 41 to 50 x 40

    def halfway(small: np.ndarray) -> np.ndarray:
        whole = to_float(read(next(originals)).pixels[:50, :40])
        return (whole + bicubic(2)(small)) / 2

    report = evaluate_superres(halfway, folder, 2)
    assert all(p.model.psnr > p.beside.psnr + 3 and p.model.gmsd < p.beside.gmsd for p in report.pictures)
    originals = iter(sorted(folder.glob("[abc].*")))
    with pytest.raises(PictureError, match="another size"):
        evaluate_superres(cheating, folder, 2)


def test_noise_depends_on_the_name_alone_and_has_its_sigma(folder: Path) -> None:
    a = noise("a.png", (50, 41, 1), 25 / 255)
    assert np.array_equal(a, noise("elsewhere/a.bmp", (50, 41, 1), 25 / 255))
    assert not np.array_equal(a, noise("b.png", (50, 41, 1), 25 / 255))
    assert noise("a", (400, 400, 1), 0.1).std() == pytest.approx(0.1, rel=0.01)
    report = evaluate_denoise(lambda x: x, folder, 25)
    assert report.mean().model == report.mean().beside  # nothing done: the noisy picture
    assert report.mean_psnr == pytest.approx(20 * math.log10(255 / 25), abs=0.15)
    assert report.mean().rounded.psnr > report.mean_psnr  # clipping takes some of the noise away


def test_a_cameras_noise_is_shared_by_neighbours_and_stronger_in_the_shadows(folder: Path) -> None:
    grey, dark = np.full((300, 300, 3), 0.5, np.float32), np.full((300, 300, 3), 0.05, np.float32)
    grain = camera_noise("a", grey, 0.1)
    assert np.array_equal(grain, camera_noise("elsewhere/a.png", grey, 0.1))
    assert grain.std() == pytest.approx(0.1, rel=0.02)
    assert camera_noise("a", dark, 0.1).std() == pytest.approx(0.1 * 4**0.4, rel=0.02)
    beside = [np.mean(grain * np.roll(grain, by, axis)) / grain.var() for axis, by in ((0, 1), (1, 1), (2, 1))]
    assert beside[:2] == pytest.approx([2 * 0.4 / (1 + 2 * 0.4**2)] * 2, abs=0.02) and abs(beside[2]) < 0.02
    report = evaluate_camera(lambda x: x, folder, 25)
    assert report.mean().model == report.mean().beside and report.mean().rounded is None
    assert report.mean_psnr == pytest.approx(20 * math.log10(255 / 25), abs=2)
    assert "noise as a camera leaves it, of sigma 25 of 255" in str(report.protocol)


def test_the_stored_form_is_clipped_and_rounded_on_both_sides(folder: Path) -> None:
    given: list[np.ndarray] = []

    def model(x: np.ndarray) -> np.ndarray:
        given.append(x)
        return x

    evaluate_denoise(model, folder, 50)
    floats, stored = given[0::2], given[1::2]
    assert all(x.min() < 0 or x.max() > 1 for x in floats)
    for x in stored:
        np.testing.assert_allclose(x * 255, np.round(x * 255), atol=1e-4)
        assert x.min() >= 0 and x.max() <= 1


def fake_network(channels: int, calls: list[tuple]) -> SimpleNamespace:
    """A network that triples each pixel's size and keeps the first channels; it writes down how it was called."""

    def run(x: np.ndarray, *, precision: str, threads: int | None) -> np.ndarray:
        calls.append((x.shape, precision, threads))
        return x.repeat(3, axis=1).repeat(3, axis=2)

    card = SimpleNamespace(task="superres", scale=3)
    words = lambda precision: "float32"  # noqa: E731
    return SimpleNamespace(
        run=run, graph=SimpleNamespace(channels=channels), card=card, name="fake", precision_in_words=words
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("c", [1, 3])
def test_the_runner_fits_pictures_to_the_networks_channels(c: int, channels: int) -> None:
    calls: list[tuple] = []
    picture = np.random.default_rng(0).random((6, 5, c), np.float32)
    result = runner(fake_network(channels, calls), precision="fp32", threads=2)(picture)
    np.testing.assert_allclose(result, picture.repeat(3, axis=0).repeat(3, axis=1), rtol=1e-6)
    batch = 3 if (c, channels) == (3, 1) else 1
    assert calls == [((batch, 6, 5, channels), "fp32", 2)]


@pytest.mark.parametrize("c", [1, 3])
def test_the_runner_appends_the_noise_level(c: int) -> None:
    given: list[np.ndarray] = []

    def run(x: np.ndarray, **_: object) -> np.ndarray:
        given.append(x)
        return x[..., :-1]

    network = SimpleNamespace(run=run, graph=SimpleNamespace(channels=c + 1))
    picture = np.random.default_rng(0).random((6, 5, c), np.float32)
    np.testing.assert_array_equal(runner(network, sigma=51)(picture), picture)
    assert given[0].shape == (1, 6, 5, c + 1)
    np.testing.assert_allclose(given[0][..., -1], 0.2)


def test_the_ensemble_turns_everything_back_and_averages() -> None:
    x = np.random.default_rng(0).random((2, 4, 7, 3), np.float32)
    np.testing.assert_allclose(
        ensemble(lambda v: v.repeat(2, 1).repeat(2, 2), x), x.repeat(2, 1).repeat(2, 2), rtol=1e-6
    )
    shapes, corners = [], []

    def corner(v: np.ndarray) -> np.ndarray:  # marks its own upper left pixel: each corner of x twice
        shapes.append(v.shape)
        corners.append(v[0, 0, 0, 0])
        marked = np.zeros_like(v)
        marked[:, 0, 0] = 1
        return marked

    mean = ensemble(corner, x)
    assert shapes == [(2, 4, 7, 3)] * 4 + [(2, 7, 4, 3)] * 4
    assert sorted(corners) == sorted([x[0, i, j, 0] for i in (0, -1) for j in (0, -1)] * 2)
    np.testing.assert_array_equal(mean[0, ::3, ::6, 0], 0.25)
    assert mean[0, 1:-1].sum() == 0


def test_the_report_as_json_and_as_table(folder: Path) -> None:
    report = evaluate_superres(bicubic(2), folder, 2, name="mine")
    value = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert value["mean_psnr"] == pytest.approx(report.mean_psnr) and value["mean_ssim"] <= 1
    assert value["protocol"].startswith("PSNR on the Y channel (BT.601), border of 2 pixels cut, low-resolution input")
    assert [p["name"] for p in value["pictures"]] == ["a.png", "b.png", "c.tif"]
    assert value["bicubic"]["mean_psnr"] == value["mean_psnr"]
    assert value["pictures"][0]["bicubic"]["psnr"] == value["pictures"][0]["psnr"]
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(report.table())
    rows = [line.split() for line in console.export_text().splitlines() if line.strip()]
    assert rows[-1][0] == "mean" and rows[-1][1] == f"{report.mean_psnr:.2f}"


def test_equal_pictures_are_null_in_json(tmp_path: Path) -> None:
    write(tmp_path / "flat.png", Picture(np.full((40, 40, 3), 90, np.uint8)))
    value = evaluate_superres(bicubic(2), tmp_path, 2).to_json()
    assert value["mean_psnr"] is None and value["pictures"][0]["psnr"] is None


def test_a_broken_picture_is_named_and_the_others_are_measured(folder: Path) -> None:
    (folder / "aa.png").write_bytes((folder / "a.png").read_bytes()[:60])
    report = evaluate_superres(bicubic(2), folder, 2)
    assert [p.name for p in report.pictures] == ["a.png", "b.png", "c.tif"]
    assert list(report.failures) == ["aa.png"] and report.failures["aa.png"]
    assert report.to_json()["failures"][0]["name"] == "aa.png"


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda d: pictures_in(d / "nowhere"), "no such folder"),
        (lambda d: pictures_in(d / "notes.txt"), "not a folder"),
        (lambda d: pictures_in(d / "empty"), "no pictures"),
        (lambda d: evaluate_superres(bicubic(2), d, 1), "nothing to enlarge"),
        (lambda d: evaluate_denoise(lambda x: x, d, 0), "out of range"),
        (lambda d: evaluate_superres(bicubic(20), d, 20), "none of the 3 pictures"),  # nothing is left of 50 x 41
    ],
)
def test_bad_input_is_named(folder: Path, call, words: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(PellucidError) as error:
        call(folder)
    assert words in str(error.value)


def invoke(*arguments: object):
    return CliRunner().invoke(command_file.command, [str(a) for a in arguments], standalone_mode=False)


def test_the_command_prints_protocol_then_table(folder: Path) -> None:
    result = invoke("bicubic", "--data", folder, "--scale", 2)
    assert result.exception is None and result.return_value == 0
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    assert lines[0].startswith("PSNR on the Y channel") and lines[-1].split()[0] == "mean"
    assert result.stderr == ""


def test_the_command_leaves_only_json_on_stdout(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"nothing")
    result = invoke("bicubic", "--data", folder, "--scale", 2, "--json", "-")
    assert set(json.loads(result.stdout)) >= {"mean_psnr", "mean_ssim", "protocol", "pictures", "bicubic"}
    assert result.return_value == 1 and result.stderr.count("\n") == 1 and "broken.png" in result.stderr
    invoke("bicubic", "--data", folder, "--scale", 2, "--json", folder / "r.json")
    written = json.loads((folder / "r.json").read_text())
    assert written["mean_psnr"] == json.loads(result.stdout)["mean_psnr"]
    assert not (folder / "r.json.part").exists()


def test_a_report_that_could_not_be_written_is_refused_before_the_work(folder: Path, monkeypatch) -> None:
    import pellucid

    calls: list[tuple] = []
    monkeypatch.setattr(pellucid, "load", lambda name: fake_network(3, calls), raising=False)
    for path in ("nowhere/at/all.json", str(folder)):
        result = invoke("x.safetensors", "--data", folder, "--scale", 3, "--json", path)
        assert isinstance(result.exception, PellucidError) and "cannot be written" in str(result.exception)
    assert not calls


@pytest.mark.parametrize(
    "options, words",
    [
        ([], "seen: neither"),
        (["--scale", 2, "--sigma", 5], "seen: both --scale and --sigma; expected: --scale N or --sigma S"),
        (["--sigma", 5], "removes no noise"),
        (["--scale", 2, "--ensemble"], "self-ensembles are of networks"),
        (["--sigma", 5, "--quality", 50], "JPEGs are a matter of enlarging"),
        (["--scale", 2, "--camera"], "seen: --camera with --scale; expected: --sigma S"),
        (["--scale", 2, "--json", "nowhere/at/all.json"], "cannot be written"),
    ],
)
def test_the_command_refuses(folder: Path, options: list[object], words: str) -> None:
    result = invoke("bicubic", "--data", folder, *options)
    assert isinstance(result.exception, PellucidError) and words in str(result.exception)


def test_the_command_runs_a_network_and_checks_its_card(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pellucid

    calls: list[tuple] = []
    monkeypatch.setattr(pellucid, "load", lambda name: fake_network(3, calls), raising=False)
    result = invoke("x.safetensors", "--data", folder, "--scale", 3, "--threads", 1, "--json", "-")
    assert result.exception is None and json.loads(result.stdout)["how"] == "float32"
    assert calls == [((1, 16, 13, 3), "auto", 1)] * 3
    for wrong, words in ((["--scale", 2], "enlarges 3 times"), (["--sigma", 5], "a model for superres")):
        error = invoke("x.safetensors", "--data", folder, *wrong).exception
        assert isinstance(error, UsageError) and words in str(error)
