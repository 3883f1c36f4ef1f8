"""The runners: what they refuse, before anything is measured, and what stands in their tables. No speed is tested."""

from pathlib import Path

import pytest

import pellucid
from benchmarks import options, run, train
from benchmarks.cases import Case, chain

MACHINE = {"processor": "P", "threads": 2, "in use": "avx2", "float32 GFLOP/s": 50.0}
MACHINE |= {"GB/s from L1, L2, L3, memory": [40, 30, 20, 10]}


@pytest.fixture(autouse=True)
def nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(*_: object) -> None:
        raise AssertionError("measured before all was checked")

    for runner in (run, train):
        for name in ("_machine", "measure"):
            monkeypatch.setattr(runner, name, measured)


REFUSED = {
    "A-360x65": "unknown case 'A-360x65'; expected: one of 1x1-180x320, ",
    "D-180x320 --isa mmx": "--isa is not available here; seen: mmx; expected: one of scalar",
    "D-180x320 --isa=mmx": "--isa is not available here; seen: mmx; expected: one of scalar",
    "D-180x320 --hold-peers": "--hold-peers holds peers to --isa; seen: no --isa",
    "D-180x320 --peers torch,caffe": "unknown peer 'caffe'; expected: one of onnxruntime, ",
    "D-180x320 --peers torch --json FOLDER/none/x.json": "seen: FOLDER/none/x.json; expected: a file in a folder",
    "D-180x320 --peers torch --json FOLDER": "no record can be written there; seen: FOLDER; expected: a file in",
    "D-180x320 --peers torch --record none/x": "no record can be written there; seen: ",
    "D-180x320 --rounds 0": "the number of rounds does not fit; seen: 0; expected: a whole number from 1",
    "D-180x320 --threads -1": "the number of threads does not fit; seen: -1; expected: a whole number from 1 to 4096",
    "D-180x320 --threads two": "the number of threads is no whole number; seen: 'two'; expected: a whole number",
    "D-180x320 --no-such": "unrecognized arguments: --no-such; hint: ",
    "train six-64": "unknown case 'six-64'; expected: one of denoise-64, ",
    "train --isa mmx": "unknown instruction set 'mmx'; expected: one of avx2",
    "train --peers openvino": "unknown peer 'openvino'; expected: one of torch, ",
    "train --json FOLDER/none/x.json": "seen: FOLDER/none/x.json; expected: a file in a folder",
    "train --rounds 0": "the number of rounds does not fit; seen: 0; expected: a whole number from 1",
    "train --threads 0": "the number of threads does not fit; seen: 0; expected: a whole number from 1 to 4096",
}


def refused(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert options.in_one_line(run.main, words.split()) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    return err


@pytest.mark.parametrize("words", REFUSED)
def test_bad_options_are_refused_in_one_line(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(words.replace("FOLDER", str(tmp_path)), capsys)
    assert REFUSED[words].replace("FOLDER", str(tmp_path)) in line


def test_a_peer_that_is_not_installed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(options.PACKAGES, "openvino", "no_such_package")
    line = refused("D-180x320 --peers torch,openvino", capsys)
    assert "the peer 'openvino' is not installed; seen: no package no_such_package;" in line and "make bench" in line
    monkeypatch.setenv("CXX", "no-such-compiler")
    for words in ("D-180x320 --peers torch-compile", "train --peers torch-compile"):
        assert "seen: no no-such-compiler; expected: a C++ compiler" in refused(words, capsys)


def test_the_list_has_all_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert options.in_one_line(run.main, ["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(run.EVERYTHING)
    assert [line.split()[0] for line in lines if "default" in line] == [n for n in run.EVERYTHING if n in run.DEFAULT]
    assert options.in_one_line(run.main, ["train", "--list"]) == 0
    assert capsys.readouterr().out.split() == list(train.CASES_BY_NAME)


def test_speeds_stand_beside_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = run.measure(Case("tiny", lambda: chain(8, 1), 24, 32), ["pellucid", "torch"], 1, 1, MACHINE)
    assert result["operations"] == 2 * 9 * 24 * 32 * (3 * 8 + 8 * 8 + 8 * 27) and result["peak_gflops"] == 50
    assert result["output_bytes"] == 4 * 72 * 96 * 3
    for figures in result["contestants"].values():
        assert figures["share_of_peak"] == pytest.approx(figures["gflops"] / 50, abs=2e-3)
        assert figures["error"] < 1e-4
    result["contestants"]["torch"] |= {"gflops": 12.5, "share_of_peak": 0.25}
    head, _, torch = run.table(result).splitlines()
    assert head == "tiny: 0.0 GFLOP; peak 50.0 GFLOP/s" and "12.5 GFLOP/s   25 % of peak" in torch


def test_threads_beyond_the_cores_add_nothing_to_the_peak() -> None:
    assert [run.peak_gflops(MACHINE, threads) for threads in (1, 2, 8)] == [50, 100, 100]
    assert "50.0 GFLOP/s in float32, 40, 30, 20, 10 GB/s from L1" in run.machine_line(MACHINE)


def test_our_memory_is_what_the_plan_says(tmp_path: Path) -> None:
    (case,) = (case for case in run.CASES if case.name == "D-180x320")
    output_bytes = 4 * 540 * 960 * 3
    measured = 1e6 * run._memory_in_a_fresh_process(case, "pellucid", output_bytes, threads=1)
    path = str(tmp_path / "case.safetensors")
    run.exported(case.network(), run.picture(case.height, case.width), path)
    planned = pellucid.load(path).plan(case.height, case.width, threads=1)["arena_bytes"]
    assert 0.8 * planned < measured < planned + 3e6 < output_bytes
