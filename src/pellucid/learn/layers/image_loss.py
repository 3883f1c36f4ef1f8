"""The mean loss of two maps' difference as a torch operator: value and gradient in one pass over memory.

    pellucid::image_loss   (output, target, kind, epsilon, wanted) -> value, gradient of output

The gradient lies in memory as the output does, channels_last or not, in a buffer that steps hand to each other, and the
way back through the next layer takes it as it is. An output in bfloat16 is compared in float32 and has a gradient in
bfloat16, as if torch had converted it, without the two copies. Nobody asks for a gradient of the target here, and a
gradient of a gradient is refused: losses fall back to torch for the one and say so for the other.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pellucid import _engine
from pellucid.errors import TrainingError

TYPES = (torch.float32, torch.bfloat16)


def takes(output: Tensor, target: Tensor) -> bool:
    """Whether the engine computes this: dense maps on a processor, and a target of float32 that learns nothing."""
    on_processor = output.device.type == "cpu" and target.device.type == "cpu"
    typed = output.dtype in TYPES and target.dtype == torch.float32 and not target.requires_grad
    shaped = output.dim() == 4 and output.shape == target.shape and output.numel() > 0
    return on_processor and typed and shaped and _dense(output) and not torch.compiler.is_exporting()


def mean_loss(output: Tensor, target: Tensor, kind: str, epsilon: float = 0.0) -> Tensor:
    """The mean over all values of a `squared`, `absolute` or `charbonnier` difference, for what `takes` takes."""
    wanted = output.requires_grad and torch.is_grad_enabled()
    return image_loss(output, target, kind, epsilon, wanted)[0]


@torch.library.custom_op(
    "pellucid::image_loss",
    mutates_args=(),
    schema="(Tensor output, Tensor target, str kind, float epsilon, bool wanted) -> (Tensor, Tensor)",
)
def image_loss(output, target, kind, epsilon, wanted):
    gradient = _memory_like(output) if wanted else output.new_empty(0)
    run = _engine.training_loss if output.dtype == torch.float32 else _engine.training_loss_in_bf16
    order = (0, 1, 2, 3) if output.is_contiguous() else (0, 2, 3, 1)  # of the axes in memory
    value = run(
        _array(output.permute(order)),
        target.detach().permute(order).numpy(),
        kind,
        epsilon,
        _array(gradient.permute(order)) if wanted else None,
        torch.get_num_threads(),
    )
    return torch.tensor(value, dtype=torch.float32), gradient


@image_loss.register_fake
def _(output, target, kind, epsilon, wanted):
    return output.new_empty((), dtype=torch.float32), torch.empty_like(output) if wanted else output.new_empty(0)


def _dense(x: Tensor) -> bool:
    return x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)


def _memory_like(x: Tensor) -> Tensor:
    """From what earlier steps gave back, of any contents."""
    floats = x.numel() if x.dtype == torch.float32 else (x.numel() + 1) // 2
    memory = torch.from_numpy(_engine.training_empty((floats,)))
    return memory.view(x.dtype).as_strided(x.shape, x.stride())


def _array(x: Tensor) -> np.ndarray:
    x = x.detach()
    return x.numpy() if x.dtype == torch.float32 else x.view(torch.int16).numpy()


# ---- autograd


def _remember(ctx, inputs, output) -> None:
    ctx.wanted = inputs[-1]
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(output[1])


def _differentiate(ctx, of_value, of_gradient):
    if of_gradient is not None:
        raise TrainingError(
            "a gradient of a gradient through a loss on the engine",
            expected="first gradients only",
            hint="torch.nn.functional has the same losses, or call the loss's `on_torch`",
        )
    (gradient,) = ctx.saved_tensors
    if of_value is None or not ctx.wanted:
        return None, None, None, None, None
    # Nearly always 1, and then there is nothing to multiply. What is traced has no number to look at.
    known = not torch.compiler.is_compiling() and type(of_value) is Tensor
    factor_is_one = known and of_value.item() == 1
    return _unowned(gradient) if factor_is_one else gradient * of_value, None, None, None, None


def _unowned(gradient: Tensor) -> Tensor:
    """The gradient itself, which the next way back through a retained graph gives again: while this one lasts there is
    another reference to it, or it might become a leaf's `grad` and be added to in place."""
    if torch.is_grad_enabled():  # nothing is taken or added to in place
        return gradient
    gradient = gradient.detach()
    torch.autograd.Variable._execution_engine.queue_callback(lambda: gradient)  # type: ignore[arg-type]
    return gradient


image_loss.register_autograd(_differentiate, setup_context=_remember)
