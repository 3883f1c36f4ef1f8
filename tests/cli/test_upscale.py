"""`pellucid upscale`: files, folders, failures, resuming; what goes to stdout and what the exit codes are."""

import json

import numpy as np
import pytest

from pellucid import cli
from pellucid.picture import Picture, read, write
from tests.small_models import superres_model


@pytest.fixture
def model(tmp_path):
    return str(superres_model(tmp_path / "small.safetensors"))


def picture(path, h=12, w=10):
    path.parent.mkdir(exist_ok=True, parents=True)
    write(path, Picture(np.random.default_rng(0).integers(0, 256, (h, w, 3)).astype(np.uint8)))


def upscale(*arguments):
    return cli.run(["upscale", *map(str, arguments)])


def test_a_folder_goes_on_after_a_bad_file_and_resumes(tmp_path, model, capsys):
    for name in ("a.png", "deep/日本 語.png", "-dash.png"):
        picture(tmp_path / "in" / name)
    (tmp_path / "in" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    report = tmp_path / "report.json"
    arguments = (tmp_path / "in", "-o", tmp_path / "out", "--model", model, "--report", report, "--jobs", 2)
    assert upscale(*arguments) == 1
    captured = capsys.readouterr()
    assert not captured.out and "bad.png" in captured.err and "3 done, 0 there already, 1 failed" in captured.err
    found = json.loads(report.read_text())
    assert len(found["done"]) == 3 and found["failed"][0]["source"].endswith("bad.png")
    assert read(tmp_path / "out/deep/日本 語.png").pixels.shape == (36, 30, 3)

    assert upscale(*arguments) == 1  # the bad one is still bad; the others are not made again
    assert "0 done, 3 there already, 1 failed" in capsys.readouterr().err


def test_existing_files_are_overwritten_by_flag_only(tmp_path, model):
    picture(tmp_path / "in.png")
    (tmp_path / "out.png").write_bytes(b"precious")
    assert upscale(tmp_path / "in.png", "-o", tmp_path / "out.png", "--model", model) == 0
    assert (tmp_path / "out.png").read_bytes() == b"precious"
    assert upscale(tmp_path / "in.png", "-o", tmp_path / "out.png", "--model", model, "--overwrite") == 0
    assert read(tmp_path / "out.png").pixels.shape == (36, 30, 3)


def test_the_format_is_the_suffix_or_the_option(tmp_path, model):
    picture(tmp_path / "in" / "a.png")
    assert upscale(tmp_path / "in", "-o", tmp_path / "out", "--model", model, "--format", "webp") == 0
    assert (tmp_path / "out" / "a.webp").read_bytes()[:4] == b"RIFF"


def test_what_can_be_read_but_not_written_becomes_png(tmp_path, model, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.pgm").write_bytes(b"P5 4 4 255\n" + bytes(range(16)))
    assert upscale(tmp_path / "in", "-o", tmp_path / "out", "--model", model) == 0
    assert read(tmp_path / "out" / "a.png").pixels.shape == (12, 12, 1)
    assert upscale(tmp_path / "in" / "a.pgm", "-o", tmp_path / "a.pgm", "--model", model) == 1
    said = capsys.readouterr().err
    assert "a.pgm: this format can't be written" in said or "this format can't be written; seen: .pgm" in said


def test_a_folder_does_not_enlarge_its_own_results(tmp_path, model, capsys):
    picture(tmp_path / "in" / "a.png")
    for counts in ("", "0 done, 1 there already", "0 done, 1 there already"):
        assert upscale(tmp_path / "in", "-o", tmp_path / "in" / "out", "--model", model) == 0
        assert counts in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "in").rglob("*.png")] == ["a.png", "a.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("missing.png", "-o", "out.png"), 1, "missing.png"),
        (("in.png", "-o", "out.png", "--scale", "2"), 2, "enlarges 3 times"),
        (("in.png", "-o", "in.png"), 2, "would replace itself"),
        (("in.png", "-o", "out.xyz/out.gif"), 1, "can't be written"),
        (("in.png", "-o", "out.png", "--memory", "lots"), 2, "no number of bytes"),
        (("in.png", "-o", "out.png", "--memory", "0"), 2, "no number of bytes"),
        (("in.png", "-o", "out.png", "--precision", "fp8"), 2, "fp8"),
        (("in.png", "-o", "out.heic"), 1, "can't be written; seen: .heic"),
        (("in.png", "-o", "out.png", "--report", "nowhere/report.json"), 1, "the report cannot be written"),
        (("in.png",), 2, "Missing option '-o' / '--output'; hint: pellucid upscale --help"),
        (("in.png", "-o", "out.png", "--input", "photo"), 2, "the model is named already"),
        (("in.png", "-o", "out.png", "--input", "sharp"), 2, "sharp"),
    ],
)
def test_bad_input_is_one_line_and_a_code(tmp_path, model, monkeypatch, capsys, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "in.png")
    assert upscale(*arguments, "--model", model) == code
    captured = capsys.readouterr()
    assert said in captured.err and not captured.out and captured.err.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


def test_an_unknown_model_lists_the_known_ones(tmp_path, capsys):
    picture(tmp_path / "in.png")
    assert upscale(tmp_path / "in.png", "-o", tmp_path / "out.png", "--model", "superress-x3") == 2
    assert "unknown model 'superress-x3'" in capsys.readouterr().err


@pytest.mark.parametrize("kind, name", [("clean", "superres-x3"), ("photo", "superres-x3-photo"), ("auto", "both")])
def test_the_kind_of_input_chooses_the_model(tmp_path, model, monkeypatch, kind, name):
    """By names alone: for `auto` both are loaded, and the picture decides."""
    import pellucid
    from pellucid import models

    loaded = []
    real = pellucid.load

    def load(which):
        loaded.append(which)
        return real(model)

    monkeypatch.setattr(pellucid, "load", load, raising=False)
    monkeypatch.setattr(models, "names", lambda: ["superres-x3", "superres-x3-photo"])
    picture(tmp_path / "in.png")
    assert upscale(tmp_path / "in.png", "-o", tmp_path / "out.png", "--input", kind) == 0
    assert loaded == (["superres-x3", "superres-x3-photo"] if name == "both" else [name])
    monkeypatch.setattr(models, "names", lambda: ["superres-x3"])
    loaded.clear()
    assert upscale(tmp_path / "in.png", "-o", tmp_path / "other.png", "--scale", 3) == 0
    assert loaded == ["superres-x3"]  # where no model for photographs ships, there is nothing to choose


@pytest.mark.parametrize(("scale", "models_there"), [(2, ("superres-x3-photo",)), (4, ())])
def test_photographs_at_a_scale_without_a_model_for_them(tmp_path, model, monkeypatch, capsys, scale, models_there):
    """Named, they are refused with the scales that have one; found, they are enlarged with a word."""
    import pellucid
    from pellucid import models

    real = pellucid.load
    monkeypatch.setattr(models, "names", lambda: [f"superres-x{scale}", *models_there])
    monkeypatch.setattr(pellucid, "load", lambda which: real(model), raising=False)
    write(
        tmp_path / "in.jpg",
        Picture(np.random.default_rng(0).integers(0, 256, (12, 10, 3)).astype(np.uint8)),
        quality=60,
    )
    arguments = (tmp_path / "in.jpg", "-o", tmp_path / "out.png", "--scale", scale)
    assert upscale(*arguments, "--input", "photo") == 2
    expected = f"seen: --scale {scale}; expected: {'3' if models_there else 'none yet'}"
    assert expected in capsys.readouterr().err and not (tmp_path / "out.png").exists()
    assert upscale(*arguments) == 0
    said = capsys.readouterr().err
    assert ("stored as JPEG of quality 60" in said and "for scale 3" in said) == bool(models_there)
