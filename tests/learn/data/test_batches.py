"""Batches are functions of (seed, step); every crop comes once per epoch; input and target belong together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from pellucid.errors import DatabaseError, UsageError
from pellucid.learn.data.augment import TURNS, turned
from pellucid.learn.data.batches import CHANNELS, Batches
from pellucid.learn.data.database import open_database
from pellucid.learn.data.degradations import Bicubic, Box, GaussianNoise, Identity
from pellucid.metrics import luma


def batches(database, **changes):
    settings = {"batch": 6, "patch": 12, "seed": 3, "degradation": Identity(), **changes}
    return Batches(database, **settings)


def as_pictures(tensor):
    return (tensor * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def test_a_batch_is_a_function_of_seed_and_step(small_database, database):
    first = batches(database, degradation=GaussianNoise())
    again = batches(open_database(small_database), degradation=GaussianNoise())
    for step in (4, 0, 1000, 4):  # in any order, in any process
        assert all(torch.equal(a, b) for a, b in zip(first.batch_at(step), again.batch_at(step), strict=True))
    other = batches(database, seed=4)
    assert not torch.equal(first.batch_at(4)[1], other.batch_at(4)[1])
    assert not torch.equal(first.batch_at(4)[1], first.batch_at(5)[1])


def test_every_crop_comes_once_per_epoch(database):
    n, stream = len(database.train), batches(database)
    assert stream.steps_per_epoch == n / 6  # not a whole number: a batch may cross the end of an epoch
    epochs = stream.which(np.arange(3 * n)).reshape(3, n)
    assert all(sorted(epoch.tolist()) == list(range(n)) for epoch in epochs)
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(epochs, 2))


def test_targets_are_turned_patches_of_their_crops(database):
    stream = batches(database, batch=40, patch=20)
    _, target = stream.batch_at(2)
    seen = set()
    for i, patch in zip(stream.which(np.arange(80, 120)).tolist(), as_pictures(target), strict=True):
        places = [
            (y, x, turn)
            for y, x, turn in itertools.product(range(5), range(5), range(TURNS))
            if np.array_equal(turned(database.train[i, y : y + 20, x : x + 20], turn), patch)
        ]
        assert len(places) == 1
        seen.update(places)
    assert len({turn for *_, turn in seen}) == 8
    assert {y for y, *_ in seen} == {x for _, x, _ in seen} == set(range(5))


def test_identity_gives_the_target(database):
    given, target = batches(database).batch_at(0)
    assert torch.equal(given, target)


@pytest.mark.parametrize("patch", [12, 18, 24])
def test_shape_range_and_layout(database, patch):
    given, target = batches(database, patch=patch, degradation=Bicubic(3)).batch_at(1)
    assert given.shape == (6, 3, patch // 3, patch // 3) and target.shape == (6, 3, patch, patch)
    for x in (given, target):
        assert x.dtype == torch.float32 and x.min() >= 0 and x.max() <= 1
        assert x.is_contiguous(memory_format=torch.channels_last)


def test_input_is_the_degraded_target(database):
    given, target = batches(database, degradation=Box(3, rounded=False)).batch_at(1)
    assert torch.allclose(given, torch.nn.functional.avg_pool2d(target, 3), atol=1e-6)


def test_patches_are_degraded_with_what_lies_around_them(database):
    """What a patch's edge shows is the same as in the middle of a picture, wherever the crop reaches far enough."""
    stream = batches(database, batch=4, patch=12, degradation=Bicubic(3, rounded=False), part="val")
    given, target = stream.batch_at(0)
    whole = torch.from_numpy(database.val[:4].copy()).permute(0, 3, 1, 2).float() / 255  # (4, 3, 24, 24): margin 6 fits
    assert torch.equal(target, whole[:, :, 6:18, 6:18])
    assert torch.allclose(given, Bicubic(3, rounded=False)(whole, (0,))[:, :, 2:6, 2:6], atol=1e-6)


def test_validation_comes_in_order_and_unturned(database):
    stream = batches(database, part="val", batch=8, patch=24)
    targets = [as_pictures(stream.batch_at(step)[1]) for step in range(3)]
    assert np.array_equal(np.concatenate(targets)[:20], database.val)


def test_channels_follow_their_definitions(database):
    colours = batches(database, part="val").batch_at(0)[1]
    for channels in ("grey", "luma"):
        assert batches(database, part="val", channels=channels).batch_at(0)[1].shape == (6, 1, 12, 12)
    y = batches(database, part="val", channels="luma").batch_at(0)[1][0, 0].numpy()
    assert np.abs(y - luma(colours[0].permute(1, 2, 0).numpy())).max() < 1e-6
    assert sum(CHANNELS["grey"][0]) == pytest.approx(1)


def test_ranks_share_a_batch(database):
    whole = batches(database).batch_at(7)[1]
    parts = [batches(database, rank=rank, ranks=2).batch_at(7)[1] for rank in range(2)]
    assert torch.equal(parts[0], whole[0::2]) and torch.equal(parts[1], whole[1::2])
    noise = [batches(database, rank=r, ranks=2, degradation=GaussianNoise(9, 9)).batch_at(7) for r in range(2)]
    assert not torch.allclose(noise[0][0] - noise[0][1], noise[1][0] - noise[1][1], atol=1e-3)


def test_what_cannot_be_is_said(database):
    with pytest.raises(UsageError, match="does not fit the scale; seen: 13; expected: a multiple of 3"):
        batches(database, patch=13, degradation=Bicubic(3))
    with pytest.raises(DatabaseError, match="smaller than the patch; seen: 24; expected: 36; hint: .*--crop 36"):
        batches(database, patch=36)
    with pytest.raises(UsageError, match="cannot be shared out; seen: 6; expected: a multiple of 4"):
        batches(database, ranks=4)
    with pytest.raises(UsageError, match="unknown kind of channels 'yuv'.*grey, luma, rgb"):
        batches(database, channels="yuv")
