"""Losses for images [A10]: each a small frozen dataclass that is called with output and target and gives a scalar.

Where the output is smaller than the target (convolutions without padding), only the target's centred inner region
counts. Where nothing else is said a loss averages over every element: samples, channels, rows and columns. An output in
bfloat16 is compared in float32. The losses of classes are the last ones here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid.errors import UsageError
from pellucid.learn.layers import image_loss
from pellucid.learn.layers.convolution import transformed

LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""BT.601 as MATLAB's rgb2ycbcr weighs colours for Y; its offset falls out of differences."""


def centred(target: Tensor, like: Tensor) -> Tensor:
    """The middle of `target` (n, c, H, W) that has the height and width of `like` (n, c, h, w)."""
    if target.ndim != 4 or like.ndim != 4:
        raise UsageError(
            "a loss of pictures is of batches of them",
            seen=f"an output of {tuple(like.shape)} for a target of {tuple(target.shape)}",
            expected="(n, c, h, w) for both",
            hint="unsqueeze(0) makes a batch of one picture",
        )
    spare_y, spare_x = (a - b for a, b in zip(target.shape[2:], like.shape[2:], strict=True))
    if spare_y < 0 or spare_x < 0 or spare_y % 2 or spare_x % 2 or target.shape[:2] != like.shape[:2]:
        raise UsageError(
            "output and target do not fit each other",
            seen=f"{tuple(like.shape)} for a target of {tuple(target.shape)}",
            expected="the same, or smaller by an even number of rows and columns",
        )
    y, x = spare_y // 2, spare_x // 2
    return target[:, :, y : y + like.shape[2], x : x + like.shape[3]]


class ImageLoss(ABC):
    """Called with output and target it computes on the engine what the engine takes: one pass over memory, instead of
    torch's six or more. `on_torch` is the same function as its equation says."""

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        inner = centred(target, output)
        ours = image_loss.takes(output, inner) and not transformed()  # which our operator has no rule for
        return self.on_engine(output, inner) if ours else self.on_torch(output, inner)

    def on_torch(self, output: Tensor, target: Tensor) -> Tensor:
        return self.of_difference(output - centred(target, output)).mean()

    @abstractmethod
    def of_difference(self, difference: Tensor) -> Tensor:
        """The loss of each value."""

    @abstractmethod
    def on_engine(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean loss of a target as large as the output."""


@dataclass(frozen=True)
class MeanSquared(ImageLoss):
    """The mean of (y - t)^2; its gradient is 2 / (h w c n) * (y - t), as in the first document."""

    def of_difference(self, difference: Tensor) -> Tensor:
        return difference.square()

    def on_engine(self, output: Tensor, target: Tensor) -> Tensor:
        return image_loss.mean_loss(output, target, "squared")


@dataclass(frozen=True)
class MeanAbsolute(ImageLoss):
    """The mean of |y - t|: less drawn to few large errors, usual for super-resolution."""

    def of_difference(self, difference: Tensor) -> Tensor:
        return difference.abs()

    def on_engine(self, output: Tensor, target: Tensor) -> Tensor:
        return image_loss.mean_loss(output, target, "absolute")


@dataclass(frozen=True)
class Charbonnier(ImageLoss):
    """The mean of sqrt((y - t)^2 + epsilon^2): |y - t| with a round bottom."""

    epsilon: float = 1e-3

    def of_difference(self, difference: Tensor) -> Tensor:
        return torch.sqrt(difference.square() + self.epsilon**2)

    def on_engine(self, output: Tensor, target: Tensor) -> Tensor:
        return image_loss.mean_loss(output, target, "charbonnier", self.epsilon)


@dataclass(frozen=True)
class LogError:
    """The mean over samples of ln sqrt(e + floor), e a sample's mean squared error: what PSNR measures, with its sign
    turned, in nepers instead of decibels.

    Every sample weighs the same, however hard it is, and inside one errors weigh by their square. Of e the share `luma`
    is the squared error of Y (BT.601, as super-resolution is measured); pictures of one channel are their own Y.
    """

    luma: float = 0.0
    floor: float = 1e-5  # 50 dB: flat samples are not worth more than that

    def __post_init__(self) -> None:
        if not 0 <= self.luma <= 1:
            raise UsageError("recipe: loss.luma is out of range", seen=self.luma, expected="0 to 1")
        if self.floor <= 0:
            raise UsageError("recipe: loss.floor is out of range", seen=self.floor, expected="more than 0")

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        difference = output - centred(target, output)
        error = difference.square().mean(dim=(1, 2, 3))  # (n, c, h, w) -> (n,)
        if self.luma and difference.shape[1] == 3:
            y = (difference * difference.new_tensor(LUMA).reshape(1, 3, 1, 1)).sum(dim=1)
            error = (1 - self.luma) * error + self.luma * y.square().mean(dim=(1, 2))
        return torch.log(error + self.floor).mean() / 2


def on_torch(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same loss, computed by torch alone."""
    return loss.on_torch if isinstance(loss, ImageLoss) else loss


@dataclass(frozen=True)
class CrossEntropy:
    """The mean of -log p(label), p the softmax of the output: (n, classes) beside labels (n,)."""

    def __call__(self, output: Tensor, labels: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(output, labels)


LOSSES: dict[str, type] = {
    "mse": MeanSquared,
    "l1": MeanAbsolute,
    "charbonnier": Charbonnier,
    "log-error": LogError,
}
"""Every loss of pictures by the name that recipes use."""


@dataclass(frozen=True)
class PixelCrossEntropy:
    """The weighted mean of -log p(label) over pixels: (n, classes, h, w) beside labels (n, H, W). [A10]

    The label after the last class is void and does not count. Where labels are finer than the output by a whole
    factor, each output stands for all pixels of its cell. Weights are 1 / ln(softness + share of the class), as in
    ENet: the nearer to 1, the more rare classes weigh. With 0 all weigh the same. `overlap` times what is missing to a
    full overlap of the batch's classes is added: what segmenting is measured by.
    """

    softness: float = 1.02
    overlap: float = 0.0

    def __post_init__(self) -> None:
        if self.softness != 0 and self.softness <= 1:
            raise UsageError("recipe: loss.softness is out of range", seen=self.softness, expected="above 1, or 0")
        if self.overlap < 0:
            raise UsageError("recipe: loss.overlap is out of range", seen=self.overlap, expected="0 or more")

    def __call__(self, output: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
        classes, factor = output.shape[1], labels.shape[1] // output.shape[2]
        weights = output.new_ones(classes) if weights is None else weights.to(output)
        logarithms = torch.nn.functional.log_softmax(output.float(), dim=1)
        total = sum(
            torch.nn.functional.nll_loss(
                logarithms, labels[:, y::factor, x::factor], weights, ignore_index=classes, reduction="sum"
            )
            for y in range(factor)
            for x in range(factor)
        )
        surprise = total / torch.cat([weights, weights.new_zeros(1)])[labels].sum().clamp_min(1e-6)
        if not self.overlap:
            return surprise
        return surprise + self.overlap * (1 - mean_overlap(logarithms.exp(), labels))


def mean_overlap(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Intersection over union, with probabilities for members, averaged over the classes that the batch has. [A10]

    Probabilities (n, classes, h, w) beside labels (n, H, W), H and W the same or a whole factor larger: then a cell
    belongs to its classes in parts. What is void belongs to none. 1 where no class is there.
    """
    classes, factor = probabilities.shape[1], labels.shape[1] // probabilities.shape[2]
    shares = torch.nn.functional.one_hot(labels, classes + 1).permute(0, 3, 1, 2).to(probabilities)
    shares = torch.nn.functional.avg_pool2d(shares, factor)[:, :classes]
    members = probabilities * shares.sum(1, keepdim=True)
    common, of_class = (torch.sum(x, dim=(0, 2, 3)) for x in (probabilities * shares, shares))
    union = members.sum((0, 2, 3)) + of_class - common
    there = of_class > 0
    return (common[there] / union[there]).mean() if there.any() else probabilities.new_ones(())


CLASS_LOSSES: dict[str, type] = {"cross-entropy": CrossEntropy}
"""Every loss of classes."""

PIXEL_LOSSES: dict[str, type] = {"pixel-cross-entropy": PixelCrossEntropy}
"""Every loss of classes of pixels."""
