"""Frames and their labels move together, as functions of (seed, step). [D14]"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.data.camvid import Streets  # noqa: E402
from pellucid.learn.data.street_batches import StreetBatches  # noqa: E402


@pytest.fixture(scope="module")
def streets():
    """Six frames whose red is the label times 20: where the two part, it shows."""
    labels = np.random.default_rng(0).integers(0, 12, (6, 9, 12)).astype(np.uint8).repeat(8, 1).repeat(8, 2)
    frames = np.stack([labels * 20, np.zeros_like(labels), labels], axis=-1)
    return Streets(frames, labels, tuple("abcdef"))


def test_labels_stay_with_their_pixels(streets):
    x, labels = StreetBatches(streets, batch=6, patch=48, seed=1).batch_at(0)
    assert x.shape == (6, 3, 48, 48) and labels.shape == (6, 48, 48) and labels.dtype == torch.int64
    torch.testing.assert_close((x[:, 0] * 255 / 20).round().long(), labels)


def test_zoom_scales_both_alike(streets):
    """Away from the blocks' edges, where colours mix, each pixel is still of its class."""
    x, labels = StreetBatches(streets, batch=6, patch=64, seed=1, zoom=2.0).batch_at(3)
    value = x[:, 0] * 255 / 20
    whole = (value - value.round()).abs() < 1e-3
    assert 0.5 < whole.float().mean() < 0.99  # others are mixed: it was scaled
    agree = (value.round().long() == labels)[whole].float().mean()
    assert agree > 0.97  # a mixture may be a whole number too
    sizes = {int((row[1:] != row[:-1]).sum()) for row in labels[:, 0]}
    assert len(sizes) > 1


def test_only_the_frame_changes_its_colours(streets):
    plain = StreetBatches(streets, batch=6, patch=48, seed=1).batch_at(2)
    coloured = StreetBatches(streets, batch=6, patch=48, seed=1, recolour=0.4).batch_at(2)
    assert torch.equal(plain[1], coloured[1])
    assert 0.01 < (plain[0] - coloured[0]).abs().mean() < 0.3
    assert coloured[0].min() >= 0 and coloured[0].max() <= 1


def test_a_batch_is_a_function_of_seed_and_step_and_processes_share_it(streets):
    made = StreetBatches(streets, batch=4, patch=48, seed=1, zoom=1.5, recolour=0.2)
    assert all(map(torch.equal, made.batch_at(5), made.batch_at(5)))
    assert not torch.equal(made.batch_at(5)[0], made.batch_at(6)[0])
    shares = [StreetBatches(streets, 4, 48, 1, 1.5, 0.2, rank, 2).batch_at(5)[0] for rank in (0, 1)]
    assert torch.equal(torch.stack(shares, 1).flatten(0, 1), made.batch_at(5)[0])


def test_frames_are_seen_both_ways(streets):
    one = Streets(streets.frames[:1], streets.labels[:1], ("a",))
    side = StreetBatches(one, batch=16, patch=72, seed=1).batch_at(0)[1]
    columns = {tuple(labels[0].tolist()) for labels in side}
    assert any(tuple(reversed(row)) in columns for row in columns)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"patch": 73}, "data.patch does not fit the frames; seen: 73; expected: 1 to 72"),
        ({"zoom": 0.5}, "data.zoom is out of range; seen: 0.5"),
        ({"recolour": 1.0}, "data.recolour is out of range; seen: 1.0"),
    ],
)
def test_what_is_refused(streets, settings, line):
    with pytest.raises(UsageError, match=line):
        StreetBatches(streets, **{"batch": 4, "patch": 48, "seed": 1, **settings})
