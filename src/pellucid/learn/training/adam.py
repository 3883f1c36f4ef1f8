"""AdamW on the engine: weights, both running averages and the moving average of the weights in one pass over memory.
[A13]

The state has the form of torch's AdamW, so either goes on with what the other has saved; a decay of 0 is Adam. It takes
float32 on a processor and nothing else, and it settles no rate: schedules write into the groups, as with torch's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pellucid import _engine
from pellucid.errors import TrainingError


class AdamW(torch.optim.AdamW):
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True)
        self._step_supports_amp_scaling = False  # a scaler of gradients divides them itself

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.dtype != torch.float32 or p.device.type != "cpu" or torch.empty_like(p).stride() != p.stride():
                raise TrainingError(
                    "a parameter that the engine's AdamW does not take",
                    seen=f"{p.dtype} on {p.device}, strides {p.stride()}",
                    expected="float32 on the processor, without gaps",
                    hint="torch.optim.AdamW takes it",
                )

    @torch.no_grad()
    def step(  # type: ignore[override]
        self,
        closure: None = None,
        *,
        gradient_factor: float = 1.0,
        averages: Mapping[nn.Parameter, Any] | None = None,
        toward: float = 0.0,
    ) -> None:
        """One step with every gradient times `gradient_factor`, after which `averages` (of a parameter, the moving
        average of its values) have moved `toward` the new values, from 0, not at all, to 1, all the way."""
        if closure is not None:
            raise TrainingError("the engine's AdamW calls no closure", hint="call backward before the step")
        for group in self.param_groups:
            at_step: dict[int, list[list[int]]] = {}
            kept = []  # copies must live until the step is made
            for p in group["params"]:
                if p.grad is None:
                    continue
                state, gradient, average = self._state_of(p), _laid_like(p, p.grad), (averages or {}).get(p)
                if average is not None and average.stride() != p.stride():
                    raise TrainingError("an average lies otherwise in memory than its parameter", seen=average.stride())
                state["step"] += 1
                kept.append(gradient)
                addresses = [p.data_ptr(), state["exp_avg"].data_ptr(), state["exp_avg_sq"].data_ptr()]
                addresses += [0 if average is None else average.data_ptr(), gradient.data_ptr(), p.numel()]
                at_step.setdefault(int(state["step"]), []).append(addresses)
            beta1, beta2 = group["betas"]
            for t, tensors in at_step.items():
                _engine.training_adam_step(
                    tensors,
                    float(group["lr"]),
                    beta1,
                    beta2,
                    group["eps"],
                    group["weight_decay"],
                    gradient_factor,
                    toward,
                    t,
                    torch.get_num_threads(),
                )

    def _state_of(self, p: Tensor) -> dict[str, Tensor]:
        state = self.state[p]
        if not state:
            state |= {"step": torch.zeros(()), "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
        for name in ("exp_avg", "exp_avg_sq"):  # loaded, they may lie as they lay where they were saved
            state[name] = _laid_like(p, state[name])
        return state


def gradient_length(parameters: Iterable[Tensor]) -> float:
    """The length of all gradients as one vector, of float32 parameters on a processor."""
    gradients = [_laid_like(p, p.grad) for p in parameters if p.grad is not None]
    return _engine.training_length_of([(g.data_ptr(), g.numel()) for g in gradients], torch.get_num_threads())


def _laid_like(p: Tensor, other: Tensor) -> Tensor:
    """The same numbers, at the same places in memory as those of `p`."""
    return other if other.stride() == p.stride() and other.dtype == p.dtype else torch.empty_like(p).copy_(other)
