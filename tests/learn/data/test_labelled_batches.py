"""Labelled batches are functions of (seed, step); what is held out stays out; bending moves, nothing more. [D13]"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import DatabaseError, UsageError  # noqa: E402
from pellucid.learn.data.distortion import Distortion  # noqa: E402
from pellucid.learn.data.labelled import Labelled  # noqa: E402
from pellucid.learn.data.labelled_batches import LabelledBatches, held_out, read_labelled  # noqa: E402

BENT = Distortion(shift=2, elastic=2)


def numbered(n: int = 40) -> Labelled:
    """Pictures whose every pixel is their number, with their number as label."""
    pictures = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 8, 8, 1)).copy()
    return Labelled(pictures, np.arange(n), tuple(map(str, range(n))))


def test_a_batch_is_a_function_of_seed_and_step():
    one, again = (LabelledBatches(numbered(), 16, 3, BENT) for _ in range(2))
    for step in (5, 0, 5):
        for a, b in zip(one.batch_at(step), again.batch_at(step), strict=True):
            assert torch.equal(a, b)
    other = LabelledBatches(numbered(), 16, 4, BENT).batch_at(5)
    assert not torch.equal(one.batch_at(5)[1], other[1])


def test_an_epoch_has_every_picture_once_with_its_own_label():
    batches = LabelledBatches(numbered(), 16, 3)
    pairs = [batches.batch_at(step) for step in range(5)]  # two epochs of 40
    x, labels = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    assert x.shape == (80, 1, 8, 8) and x.dtype == torch.float32
    assert torch.equal((x * 255).round()[:, 0, 4, 4].long(), labels)
    for epoch in (labels[:40], labels[40:]):
        assert sorted(epoch.tolist()) == list(range(40))
    assert labels[:40].tolist() != labels[40:].tolist()


def test_the_first_steps_may_see_pictures_as_they_are():
    plain, late = LabelledBatches(numbered(), 16, 3), LabelledBatches(numbered(), 16, 3, BENT, plain=5)
    bent = LabelledBatches(numbered(), 16, 3, BENT)
    assert torch.equal(late.batch_at(4)[0], plain.batch_at(4)[0])
    assert torch.equal(late.batch_at(5)[0], bent.batch_at(5)[0])
    assert not torch.equal(bent.batch_at(4)[0], plain.batch_at(4)[0])


def test_processes_share_a_batch_without_overlap():
    whole = LabelledBatches(numbered(), 16, 3, BENT).batch_at(2)
    parts = [LabelledBatches(numbered(), 16, 3, BENT, rank, 2).batch_at(2) for rank in (0, 1)]
    for rank, (x, labels) in enumerate(parts):
        assert torch.equal(x, whole[0][rank::2]) and torch.equal(labels, whole[1][rank::2])


def test_what_is_held_out_is_not_learned_from():
    learned, out = held_out(numbered(), 7)
    assert len(out) == 7 and sorted([*learned.labels, *out.labels]) == list(range(40))
    assert [int(label) for _, labels in LabelledBatches(out, 3, 0).in_order() for label in labels] == list(out.labels)
    for count in (0, 40):
        with pytest.raises(UsageError, match="held_out is out of range; .*expected: 1 to 39 of the 40 pictures"):
            held_out(numbered(), count)


def test_a_whole_shift_moves_the_picture(monkeypatch):
    picture = np.random.default_rng(2).integers(1, 255, (1, 6, 6, 1), np.uint8)
    down, across = np.full((2, 1, 6, 6), [[[[2]]], [[[-1]]]], np.float32)
    monkeypatch.setattr(Distortion, "_displacements", lambda *_: (down, across))
    moved = Distortion(1)(picture, 0, np.arange(1))
    expected = np.zeros((1, 6, 6, 1), np.float32)
    expected[:, :4, 1:] = picture[:, 2:, :5] / np.float32(255)  # black comes in from below and from the left
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_displacements_stay_within_what_was_asked_and_differ_between_samples():
    down, across = Distortion(shift=1.5)._displacements(1, np.arange(50), (28, 28))
    assert np.ptp(down, axis=(1, 2)).max() == 0 and 1 < np.abs(down).max() <= 1.5 and 1 < np.abs(across).max() <= 1.5
    assert len(np.unique(down[:, 0, 0])) == 50
    bend, _ = Distortion(elastic=1)._displacements(1, np.arange(50), (28, 28))
    assert np.ptp(bend, axis=(1, 2)).min() > 0.1 and 0.5 < np.abs(bend).max() < 1.8  # cubics overshoot
    with pytest.raises(UsageError, match="elastic is out of range; seen: -1"):
        Distortion(elastic=-1)


def test_unbent_it_is_the_picture():
    pictures = numbered().pictures
    assert np.array_equal(Distortion()(pictures, 1, np.arange(40)), pictures.astype(np.float32) / np.float32(255))


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(DatabaseError, match="learns from labelled pictures; seen: no folder; hint: --data names"):
        read_labelled("mnist", None, train=True)
    with pytest.raises(UsageError, match="unknown recipe: data.format 'mnits'.*did you mean 'mnist'"):
        read_labelled("mnits", tmp_path, train=True)
    with pytest.raises(DatabaseError, match="MNIST is not here"):
        read_labelled("mnist", tmp_path, train=True)
