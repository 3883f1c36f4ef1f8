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

AVERAGES = ("exp_avg", "exp_avg_sq")
"""Of a parameter's gradients and of their squares, by torch's names."""


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
        _refuse_other_rules(param_group)
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            _refuse_unfit(p)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for group in state_dict["param_groups"]:
            _refuse_other_rules(group)
        super().load_state_dict(state_dict)

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
        averages = averages or {}
        self._refuse_unfit_now(averages)
        for group in self.param_groups:
            at_step: dict[int, list[list[int]]] = {}
            kept = []  # copies must live until the step is made
            for p in group["params"]:
                if p.grad is None:
                    continue
                state, gradient, average = self._state_of(p), _laid_like(p, p.grad), averages.get(p)
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

    def _refuse_unfit_now(self, averages: Mapping[nn.Parameter, Any]) -> None:
        """The engine gets bare addresses, and a parameter may have become another since it was given. It is asked for
        all of them before any is moved."""
        for group in self.param_groups:
            _refuse_other_rules(group)
            for p in group["params"]:
                if p.grad is None:
                    continue
                _refuse_unfit(p)
                _refuse_unlike("a gradient that does not fit its parameter", p.grad, p)
                state, average = self.state.get(p), averages.get(p)
                if state:
                    for name in AVERAGES:
                        _refuse_unlike("a saved average that does not fit its parameter", state[name], p)
                if average is not None and (
                    average.dtype != p.dtype or average.stride() != p.stride() or not _fits(average, p)
                ):
                    raise _unlike("an average that is not as its parameter is", average, p)

    def _state_of(self, p: Tensor) -> dict[str, Tensor]:
        state = self.state[p]
        if not state:
            state |= {"step": torch.zeros(()), **{name: torch.zeros_like(p) for name in AVERAGES}}
        for name in AVERAGES:  # loaded, they may lie as they lay where they were saved
            state[name] = _laid_like(p, state[name])
        return state


def gradient_length(parameters: Iterable[Tensor]) -> float:
    """The length of all gradients as one vector, of float32 parameters on a processor."""
    gradients = []
    for p in parameters:
        if p.grad is not None:
            _refuse_unfit(p)
            _refuse_unlike("a gradient that does not fit its parameter", p.grad, p)
            gradients.append(_laid_like(p, p.grad))
    return _engine.training_length_of([(g.data_ptr(), g.numel()) for g in gradients], torch.get_num_threads())


def _laid_like(p: Tensor, other: Tensor) -> Tensor:
    """The same numbers, at the same places in memory as those of `p`."""
    return other if other.stride() == p.stride() and other.dtype == p.dtype else torch.empty_like(p).copy_(other)


def _refuse_unfit(p: Tensor) -> None:
    if p.dtype != torch.float32 or not p.is_cpu or not _without_gaps(p):
        raise TrainingError(
            "a parameter that the engine's AdamW does not take",
            seen=_words(p),
            expected="float32 on the processor, without gaps",
            hint="torch.optim.AdamW takes it",
        )


def _refuse_other_rules(group: Mapping[str, Any]) -> None:
    for rule in ("maximize", "amsgrad"):
        if group.get(rule):
            raise TrainingError(
                f"the engine's AdamW has no {rule}",
                seen=f"{rule}={group[rule]}",
                expected=f"{rule}=False",
                hint="torch.optim.AdamW has it",
            )


def _without_gaps(p: Tensor) -> bool:
    if p.layout != torch.strided:
        return False
    if p.is_contiguous() or (p.ndim == 4 and p.is_contiguous(memory_format=torch.channels_last)):
        return True
    return torch.empty_like(p, device="meta").stride() == p.stride()


def _refuse_unlike(what: str, other: Tensor, p: Tensor) -> None:
    if not _fits(other, p):
        raise _unlike(what, other, p)


def _fits(other: Tensor, p: Tensor) -> bool:
    return other.shape == p.shape and other.is_cpu and other.layout == torch.strided


def _unlike(what: str, seen: Tensor, p: Tensor) -> TrainingError:
    return TrainingError(what, seen=_words(seen), expected=_words(p))


def _words(x: Tensor) -> str:
    laid = f"strides {x.stride()}" if x.layout == torch.strided else str(x.layout)
    return f"{x.dtype} on {x.device}, shape {tuple(x.shape)}, {laid}"
