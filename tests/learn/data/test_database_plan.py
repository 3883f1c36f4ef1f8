"""The plan: crops fall on pictures by area, parts share no picture, and neither names nor order decide anything."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import DatabaseError, UsageError
from pellucid.learn.data.database_plan import PIECE, DatabaseOptions, make_plan
from pellucid.learn.data.source_pictures import SourceFile, SourcePicture


def some(n):
    names = [f"p{i}" for i in range(n)]
    sums = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]
    return [
        (SourceFile(name, name), SourcePicture(name, sha256, 100, 100 + 50 * i, 1.0))
        for i, (name, sha256) in enumerate(zip(names, sums, strict=True))
    ]


def test_crops_fall_on_pictures_by_their_area():
    plan = make_plan(DatabaseOptions(count=50_000, val=0), some(8))
    areas = np.array([p["height"] * p["width"] for p in plan.header["pictures"]])
    expected = 50_000 * areas / areas.sum()
    counts = np.bincount(plan.picture_of, minlength=8)
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected.max())


def test_pictures_with_less_detail_give_fewer_crops():
    pictures = some(2)
    pictures[0] = (pictures[0][0], SourcePicture("p0", pictures[0][1].sha256, 100, 150, 0.1))  # p1 is as large
    plan = make_plan(DatabaseOptions(count=20_000, val=0), pictures)
    poor = [p["name"] for p in plan.header["pictures"]].index("p0")
    assert np.count_nonzero(plan.picture_of == poor) == pytest.approx(20_000 / 11, rel=0.1)


@pytest.mark.parametrize("val", [0.01, 0.05, 0.3, 0.5])
def test_the_parts_share_no_picture(val):
    options = DatabaseOptions(count=4000, val=val)
    plan = make_plan(options, some(20))
    train, held_out = np.split(plan.picture_of, [4000 - options.val_count])
    assert not set(train) & set(held_out)
    parts = [picture["part"] for picture in plan.header["pictures"]]
    assert {parts[i] for i in train} == {"train"} and {parts[i] for i in held_out} == {"val"}
    assert parts.count("val") == max(1, round(val * 20))


def test_names_and_order_change_no_crop():
    options = DatabaseOptions(count=500)
    one = make_plan(options, some(9))
    renamed = [(SourceFile(f"z{9 - i}", "z"), replace(p, name=f"z{9 - i}")) for i, (_, p) in enumerate(some(9))]
    other = make_plan(options, renamed)
    assert np.array_equal(one.picture_of, other.picture_of)
    assert [p["sha256"] for p in one.header["pictures"]] == [p["sha256"] for p in other.header["pictures"]]


def test_another_seed_draws_other_crops_and_another_split():
    plans = [make_plan(DatabaseOptions(count=500, val=0.3, seed=seed), some(30)) for seed in (1, 2)]
    parts = [[p["part"] for p in plan.header["pictures"]] for plan in plans]
    assert parts[0] != parts[1]
    assert np.mean(plans[0].picture_of == plans[1].picture_of) < 0.2


def test_crops_of_one_picture_are_scattered():
    picture_of = make_plan(DatabaseOptions(count=20_000, val=0), some(4)).picture_of
    runs = np.count_nonzero(np.diff(picture_of) == 0) / len(picture_of)
    assert runs == pytest.approx((np.bincount(picture_of) ** 2).sum() / 20_000**2, abs=0.02)


def test_pieces_name_every_place_once():
    plan = make_plan(DatabaseOptions(count=3 * PIECE, val=0.2), some(3))
    pieces = list(plan.pieces())
    assert sorted(np.concatenate([places for _, places in pieces]).tolist()) == list(range(3 * PIECE))
    assert all(np.all(plan.picture_of[places] == picture) and len(places) <= PIECE for picture, places in pieces)


def test_copies_and_broken_pictures_are_left_out_and_listed():
    examined = some(3)
    copy = (SourceFile("z", "z"), SourcePicture("z", examined[1][1].sha256, 100, 150, 1.0))
    plan = make_plan(DatabaseOptions(count=100, val=0.4), [*examined, copy, (SourceFile("bad", "bad"), "no picture")])
    assert plan.header["skipped"] == [{"name": "bad", "reason": "no picture"}, {"name": "z", "reason": "a copy of p1"}]
    assert len(plan.files) == 3


def test_too_few_pictures_are_said():
    with pytest.raises(DatabaseError, match="no picture is left.*bad: torn"):
        make_plan(DatabaseOptions(), [(SourceFile("bad", "bad"), "torn")])
    with pytest.raises(DatabaseError, match="cannot be split.*--val 0"):
        make_plan(DatabaseOptions(), some(1))
    assert make_plan(DatabaseOptions(val=0, count=10), some(1)).header["val"] == 0


@pytest.mark.parametrize(
    "wrong",
    [{"crop": 4}, {"count": 0}, {"shrink": 0}, {"val": -0.1}, {"val": 0.9}, {"seed": -1}, {"min_detail": float("nan")}],
)
def test_options_out_of_range_are_named(wrong):
    with pytest.raises(UsageError, match=f"--{next(iter(wrong)).replace('_', '-')} is out of range"):
        DatabaseOptions(**wrong)


def test_a_part_without_crops_is_refused():
    with pytest.raises(UsageError, match="no crops"):
        DatabaseOptions(count=5, val=0.05)
