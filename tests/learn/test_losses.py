"""Losses against the textbook's, which are written for channels last. [A10]"""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from torch.autograd import forward_ad  # noqa: E402

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.losses import LOSSES, LogError, PixelCrossEntropy, centred, mean_overlap  # noqa: E402
from pellucid.learn.training.validation import psnrs  # noqa: E402
from pellucid.metrics import Confusion  # noqa: E402
from pellucid.reference import losses as textbook  # noqa: E402

TEXTBOOK = {
    "mse": (textbook.mse, textbook.mse_backward_data),
    "l1": (textbook.mae, textbook.mae_backward_data),
    "charbonnier": (textbook.charbonnier, textbook.charbonnier_backward_data),
    "log-error": (textbook.log_error, textbook.log_error_backward_data),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("spare", [0, 4])
def test_value_and_gradient_are_the_textbooks(name, spare):
    random = np.random.default_rng(1)
    output = random.random((2, 5, 7, 3))
    target = random.random((2, 5 + spare, 7 + spare, 3))
    y = torch.from_numpy(output).permute(0, 3, 1, 2).requires_grad_()
    loss = LOSSES[name]()(y, torch.from_numpy(target).permute(0, 3, 1, 2))
    loss.backward()
    forward, backward = TEXTBOOK[name]
    assert loss.item() == pytest.approx(forward(output, target), rel=1e-12)
    np.testing.assert_allclose(y.grad.permute(0, 2, 3, 1).numpy(), backward(output, target), rtol=1e-9, atol=1e-15)


def test_the_middle_of_the_target_counts():
    target = torch.arange(36.0).reshape(1, 1, 6, 6)
    assert centred(target, torch.zeros(1, 1, 2, 4)).tolist() == [[[[13, 14, 15, 16], [19, 20, 21, 22]]]]


@pytest.mark.parametrize("name", LOSSES)
def test_forward_mode_and_transforms_are_torchs(name):
    y, target, direction = (torch.rand(2, 3, 5, 5) for _ in range(3))
    loss = LOSSES[name]()
    gradient = torch.func.grad(lambda y: loss(y, target))(y)
    _, change = torch.func.jvp(lambda y: loss(y, target), (y,), (direction,))
    with forward_ad.dual_level():
        forward = forward_ad.unpack_dual(loss(forward_ad.make_dual(y, direction), target)).tangent
    torch.testing.assert_close(change, (gradient * direction).sum())
    torch.testing.assert_close(forward, change)


@pytest.mark.parametrize("luma", [0.3, 1.0])
def test_the_error_in_decibels_may_be_that_of_luma(luma):
    random = np.random.default_rng(2)
    output, target = random.random((2, 3, 5, 7, 3))
    y = torch.from_numpy(output).permute(0, 3, 1, 2).requires_grad_()
    loss = LogError(luma)(y, torch.from_numpy(target).permute(0, 3, 1, 2))
    loss.backward()
    assert loss.item() == pytest.approx(textbook.log_error(output, target, luma), rel=1e-12)
    expected = textbook.log_error_backward_data(output, target, luma)
    np.testing.assert_allclose(y.grad.permute(0, 2, 3, 1).numpy(), expected, rtol=1e-9, atol=1e-15)


def test_the_error_in_decibels_is_what_validation_measures():
    output, target = torch.rand(4, 3, 8, 9), torch.rand(4, 3, 8, 9)
    output = (output * 255).round() / 255
    over_colours, on_luma = (figures.mean() for figures in psnrs(output, target, 0))
    for luma, expected in ((0, over_colours), (1, on_luma)):
        decibels = -20 / np.log(10) * LogError(luma, floor=1e-12)(output, target)
        torch.testing.assert_close(decibels, expected)


def test_every_sample_weighs_the_same_in_decibels():
    target = torch.zeros(2, 1, 4, 4)
    output = torch.stack([torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.5)]).requires_grad_()
    LogError(floor=1e-12)(output, target).backward()
    pull = (output.grad * output).sum(dim=(1, 2, 3))  # of errors that shrink by the same share
    torch.testing.assert_close(pull[0], pull[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"luma": 1.5}, r"loss.luma is out of range; seen: 1.5"), ({"floor": 0}, r"loss.floor is out of range; seen: 0")],
)
def test_what_no_logarithm_can_use_is_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        LogError(**settings)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "shapes", [((3, 6, 6), (3, 6, 6)), ((1, 3, 6, 6), (3, 6, 6)), ((6, 6), (1, 3, 6, 6)), ((), ())]
)
def test_what_is_no_batch_of_pictures_is_refused(name, shapes):
    with pytest.raises(
        UsageError, match=r"batches of them; seen: an output of \(.*; expected: \(n, c, h, w\) for both"
    ):
        LOSSES[name]()(*map(torch.zeros, shapes))


@pytest.mark.parametrize("shape", [(1, 1, 5, 6), (1, 1, 8, 8), (1, 2, 6, 6), (2, 1, 6, 6)])
def test_what_cannot_be_centred_is_refused(shape):
    with pytest.raises(UsageError, match=r"do not fit each other; seen: .* for a target of \(1, 1, 6, 6\)"):
        centred(torch.zeros(1, 1, 6, 6), torch.zeros(shape))


def test_pixels_of_classes_weigh_what_they_are_told_and_void_does_not_count():
    output, labels = torch.randn(2, 4, 3, 5), torch.randint(0, 5, (2, 3, 5))  # four classes, and void
    weights = torch.tensor([1.0, 2.0, 0.5, 7.0])
    expected = torch.nn.functional.cross_entropy(output, labels, weights, ignore_index=4)
    torch.testing.assert_close(PixelCrossEntropy()(output, labels, weights), expected)
    nothing = PixelCrossEntropy()(output, torch.full((2, 3, 5), 4), weights)
    assert nothing == 0


def test_labels_finer_than_the_output_are_those_of_an_enlarged_output():
    output, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 4, (2, 8, 8))
    enlarged = output.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(PixelCrossEntropy()(output, labels), PixelCrossEntropy()(enlarged, labels))


def test_the_overlap_of_certain_answers_is_the_measured_one():
    labels, answers = torch.randint(0, 5, (2, 8, 6)), torch.randint(0, 4, (2, 8, 6))  # four classes, and void
    confusion = Confusion(4)
    confusion.add(labels.numpy(), answers.numpy())
    certain = torch.nn.functional.one_hot(answers, 4).permute(0, 3, 1, 2).double()
    torch.testing.assert_close(float(mean_overlap(certain, labels)), confusion.mean_iou())
    enlarged = labels.repeat_interleave(2, 1).repeat_interleave(2, 2)
    torch.testing.assert_close(mean_overlap(certain, enlarged), mean_overlap(certain, labels))
    assert mean_overlap(certain, torch.full((2, 8, 6), 4)) == 1


def test_the_overlap_is_added_to_the_cross_entropy():
    output, labels = torch.randn(2, 4, 3, 5), torch.randint(0, 5, (2, 3, 5))
    both, alone = PixelCrossEntropy(overlap=2.0)(output, labels), PixelCrossEntropy()(output, labels)
    torch.testing.assert_close(both - alone, 2 * (1 - mean_overlap(output.softmax(1), labels)))
    assert torch.autograd.gradcheck(lambda x: mean_overlap(x.softmax(1), labels), output.double().requires_grad_())
