"""`pellucid machine`: the facts of a bug report, as text and as JSON."""

import json

from pellucid import _engine, cli


def test_facts_as_json(capsys):
    assert cli.run(["machine", "--quick", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["in use"] == _engine.isa() and facts["in use"] in facts["instruction sets"]
    assert facts["threads"] >= 1 and len(facts["caches, kB"]) == 3 and facts["numpy"][0].isdigit()
    assert "float32 GFLOP/s" not in facts


def test_measured_peaks_are_of_this_world(capsys):
    assert cli.run(["machine", "--json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert "measuring" in captured.err
    assert 0.1 < facts["float32 GFLOP/s"] < 5000
    assert all(0.1 < speed < 20_000 for speed in facts["GB/s from L1, L2, L3, memory"])
