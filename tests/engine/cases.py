"""One case per operation and option: a node list for the engine and what torch says of it, as data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

Node = tuple[str, str, list[int], dict[str, Any], dict[str, np.ndarray]]

_random = np.random.default_rng(7)


def array(*shape: int, scale: float = 1.0) -> np.ndarray:
    return (_random.standard_normal(shape) * scale).astype(np.float32)


def node(
    operation: str, inputs: int | list[int] = -1, weights: dict[str, np.ndarray] | None = None, /, **attributes: Any
):
    return (operation, operation, [inputs] if isinstance(inputs, int) else inputs, attributes, weights or {})


@dataclass(frozen=True)
class Case:
    """`oracle` takes and returns torch tensors (n, c, h, w); sizes are multiples of `multiple`, at least `least`."""

    name: str
    nodes: list[Node]
    oracle: Callable[[torch.Tensor], torch.Tensor]
    channels: int = 3
    least: int = 1
    multiple: int = 1
    size: tuple[int, int] | None = field(default=None)
    tolerance: float = 1e-5


def tensors(weights: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {role: torch.from_numpy(values) for role, values in weights.items()}


def _convolutions() -> list[Case]:
    cases = []
    for ic, oc, k, options in [
        (3, 16, 3, {"padding": 1}),
        (16, 16, 3, {"padding": 1}),
        (9, 20, 3, {"padding": 1}),
        (32, 27, 3, {"padding": 1}),
        (4, 6, 3, {}),
        (17, 8, 1, {}),
        (5, 7, 5, {"padding": 2}),
        (8, 8, 3, {"padding": 1, "groups": 8}),
        (8, 12, 3, {"padding": 1, "groups": 4}),
        (6, 10, 3, {"padding": 1, "stride": 2}),
        (6, 10, 4, {"padding": 1, "stride": (2, 3)}),
        (5, 6, 3, {"padding": 2, "dilation": 2}),
        (3, 4, (1, 5), {"padding": (0, 2)}),
    ]:
        kh, kw = (k, k) if isinstance(k, int) else k
        w = {"weight": array(oc, ic // options.get("groups", 1), kh, kw, scale=0.3), "bias": array(oc)}
        t = tensors(w)

        def oracle(x: torch.Tensor, t: Any = t, options: Any = options) -> torch.Tensor:
            return F.conv2d(x, t["weight"], t["bias"], **options)

        name = f"conv {ic}-{oc} {kh}x{kw} {options}"
        least = 1 if "padding" in options and kh == kw == 2 * max(np.ravel(options["padding"])) + 1 else kh
        cases.append(Case(name, [node("conv", -1, w, **options)], oracle, ic, least=least))
    w = {"weight": array(5, 4, 3, 3), "bias": array(5)}
    t = tensors(w)
    cases.append(
        Case(
            "conv with four paddings",
            [node("conv", -1, w, padding=(2, 0, 1, 3))],
            lambda x: F.conv2d(F.pad(x, (0, 3, 2, 1)), t["weight"], t["bias"]),
            4,
        )
    )
    return cases


def _transposed() -> list[Case]:
    cases = []
    for ic, oc, k, options in [
        (4, 5, 2, {"stride": 2}),
        (4, 5, 4, {"stride": 2, "padding": 1}),
        (6, 3, 9, {"stride": 3, "padding": 4, "output_padding": 2}),
        (4, 6, 3, {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}),
        (3, 4, 3, {"padding": 1}),
        (3, 4, 3, {"stride": 2, "dilation": 2, "padding": 2, "output_padding": 1}),
        (3, 2, 2, {"stride": 3}),
    ]:
        w = {"weight": array(ic, oc // options.get("groups", 1), k, k, scale=0.3), "bias": array(oc)}
        t = tensors(w)

        def oracle(x: torch.Tensor, t: Any = t, options: Any = options) -> torch.Tensor:
            return F.conv_transpose2d(x, t["weight"], t["bias"], **options)

        cases.append(
            Case(f"conv_transpose {k} {options}", [node("conv_transpose", -1, w, **options)], oracle, ic, least=2)
        )
    return cases


def _activations() -> list[Case]:
    slope = {"weight": array(3)}
    one = {"weight": array(1)}
    return [
        Case("relu", [node("relu")], F.relu),
        Case("leaky_relu", [node("leaky_relu", slope=0.2)], lambda x: F.leaky_relu(x, 0.2)),
        Case("prelu", [node("prelu", -1, slope)], lambda x: F.prelu(x, torch.from_numpy(slope["weight"]))),
        Case("prelu, one slope", [node("prelu", -1, one)], lambda x: F.prelu(x, torch.from_numpy(one["weight"]))),
        Case("sigmoid", [node("sigmoid")], torch.sigmoid),
        Case("tanh", [node("tanh")], torch.tanh),
        Case("selu", [node("selu")], F.selu),
        Case("sine", [node("sine", frequency=30.0)], lambda x: torch.sin(30 * x)),
        Case("gelu", [node("gelu")], F.gelu),
        Case("gelu, tanh", [node("gelu", approximate="tanh")], lambda x: F.gelu(x, approximate="tanh")),
        Case("hardswish", [node("hardswish")], F.hardswish),
        Case("clip", [node("clip", low=0.1, high=0.7)], lambda x: x.clamp(0.1, 0.7)),
        Case("softsign", [node("softsign")], F.softsign),
        Case("step", [node("step")], lambda x: (x > 0).float()),
        Case("softplus", [node("softplus")], F.softplus),
        Case("silu", [node("silu")], F.silu),
        Case("exp", [node("exp")], torch.exp),
    ]


def _arithmetic() -> list[Case]:
    channels = {"weight": array(5, 3, 1, 1), "bias": array(5)}
    t = tensors(channels)
    first = node("conv", -1, channels)
    attention = {"weight": array(1, 3, 1, 1), "bias": array(1)}
    a = tensors(attention)

    def wide(x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, t["weight"], t["bias"])

    def one(x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, a["weight"], a["bias"])

    norm = {"mean": array(3), "variance": np.abs(array(3)), "weight": array(3), "bias": array(3)}
    b = tensors(norm)
    constants = {"scale": array(3), "offset": array(3)}
    c = tensors(constants)
    return [
        Case("add", [first, node("tanh", 0), node("add", [0, 1])], lambda x: wide(x) + wide(x).tanh()),
        Case("subtract", [first, node("tanh", 0), node("subtract", [0, 1])], lambda x: wide(x) - wide(x).tanh()),
        Case("multiply", [first, node("tanh", 0), node("multiply", [0, 1])], lambda x: wide(x) * wide(x).tanh()),
        Case(
            "vector minus map",
            [first, node("global_mean_pool", 0), node("subtract", [1, 0])],
            lambda x: wide(x).mean((2, 3), keepdim=True) - wide(x),
        ),
        Case(
            "map of one channel",
            [first, node("conv", -1, attention), node("multiply", [0, 1]), node("subtract", [1, 2])],
            lambda x: one(x) - wide(x) * one(x),
        ),
        Case(
            "map of one channel plus a vector",
            [first, node("global_max_pool", 0), node("conv", -1, attention), node("add", [2, 1])],
            lambda x: one(x) + wide(x).amax((2, 3), keepdim=True),
        ),
        Case("affine", [node("affine", scale=2.0, offset=-1.0)], lambda x: 2 * x - 1),
        Case(
            "affine per channel",
            [node("affine", -1, constants)],
            lambda x: x * c["scale"][:, None, None] + c["offset"][:, None, None],
        ),
        Case(
            "batch_norm",
            [node("batch_norm", -1, norm, eps=1e-3)],
            lambda x: F.batch_norm(x, b["mean"], b["variance"], b["weight"], b["bias"], eps=1e-3),
        ),
        Case("concat", [first, node("concat", [-1, 0, -1])], lambda x: torch.cat([x, wide(x), x], 1)),
        Case("slice_channels", [first, node("slice_channels", 0, start=1, stop=4)], lambda x: wide(x)[:, 1:4]),
    ]


def _arrangements() -> list[Case]:
    return [
        Case("pixel_shuffle", [node("pixel_shuffle", factor=2)], lambda x: F.pixel_shuffle(x, 2), 12),
        Case("pixel_shuffle 3", [node("pixel_shuffle", factor=3)], lambda x: F.pixel_shuffle(x, 3), 27),
        Case("pixel_shuffle, 5 channels", [node("pixel_shuffle", factor=2)], lambda x: F.pixel_shuffle(x, 2), 20),
        Case("pixel_unshuffle", [node("pixel_unshuffle", factor=3)], lambda x: F.pixel_unshuffle(x, 3), multiple=3),
        Case("pad", [node("pad", amounts=(1, 2, 3, 4), value=0.5)], lambda x: F.pad(x, (2, 4, 1, 3), value=0.5)),
        Case("pad by a crop", [node("pad", amounts=(-1, 2, -1, -2))], lambda x: F.pad(x, (2, -2, -1, -1)), least=3),
        Case(
            "pad, reflecting",
            [node("pad", amounts=(2, 3, 1, 3), mode="reflect"), node("tanh", 0)],
            lambda x: F.pad(x, (3, 3, 2, 1), mode="reflect").tanh(),
            least=4,
        ),
        Case(
            "pad, repeating",
            [node("pad", amounts=(2, 1, 3, 2), mode="replicate")],
            lambda x: F.pad(x, (1, 2, 2, 3), mode="replicate"),
        ),
        Case("crop", [node("crop", amounts=(1, 0, 2, 1))], lambda x: x[:, :, 1:-2, :-1], least=4),
        Case(
            "flatten and linear",
            [node("flatten"), node("linear", 0, {"weight": _dense, "bias": _dense[:, 0].copy()})],
            lambda x: F.linear(x.flatten(1), torch.from_numpy(_dense), torch.from_numpy(_dense[:, 0]))[
                :, :, None, None
            ],
            size=(5, 7),
        ),
    ]


_dense = array(10, 105, scale=0.1)


def _pooling() -> list[Case]:
    positions = [node("max_pool", kernel=2), node("max_pool_positions", kernel=2), node("max_unpool", [0, 1], kernel=2)]

    def unpooled(x: torch.Tensor) -> torch.Tensor:
        y, where = F.max_pool2d(x, 2, return_indices=True)
        h, w = y.shape[2] * 2, y.shape[3] * 2
        return F.max_unpool2d(y, where, 2, output_size=x.shape[2:])[:, :, :h, :w]

    return [
        Case("max_pool", [node("max_pool", kernel=2)], lambda x: F.max_pool2d(x, 2), least=2),
        Case(
            "max_pool 3, stride 2",
            [node("max_pool", kernel=3, stride=2, padding=1)],
            lambda x: F.max_pool2d(x, 3, 2, 1),
        ),
        Case(
            "max_pool, ceil, dilation",
            [node("max_pool", kernel=(2, 3), stride=2, padding=(0, 1), dilation=2, ceil_mode=True)],
            lambda x: F.max_pool2d(x, (2, 3), 2, (0, 1), 2, True),
            least=3,
        ),
        Case("mean_pool", [node("mean_pool", kernel=3)], lambda x: F.avg_pool2d(x, 3), least=3),
        Case(
            "mean_pool with padding",
            [node("mean_pool", kernel=3, stride=2, padding=1, ceil_mode=True)],
            lambda x: F.avg_pool2d(x, 3, 2, 1, True),
        ),
        Case(
            "mean_pool without counting it",
            [node("mean_pool", kernel=3, stride=(1, 2), padding=1, ceil_mode=True, count_include_pad=False)],
            lambda x: F.avg_pool2d(x, 3, (1, 2), 1, True, False),
        ),
        Case("positions and unpooling", positions, unpooled, least=2, multiple=2),
        Case(
            "adaptive_mean_pool", [node("adaptive_mean_pool", size=(3, 2))], lambda x: F.adaptive_avg_pool2d(x, (3, 2))
        ),
        Case("adaptive_max_pool", [node("adaptive_max_pool", size=(2, 5))], lambda x: F.adaptive_max_pool2d(x, (2, 5))),
        Case("adaptive_mean_pool 1", [node("adaptive_mean_pool", size=1)], lambda x: F.adaptive_avg_pool2d(x, 1)),
        Case("global_mean_pool", [node("global_mean_pool")], lambda x: x.mean((2, 3), keepdim=True)),
        Case("global_max_pool", [node("global_max_pool")], lambda x: x.amax((2, 3), keepdim=True)),
        Case(
            "channel_max_pool",
            [node("channel_max_pool", groups=2)],
            lambda x: x.unflatten(1, (2, 3)).amax(2),
            6,
        ),
        Case(
            "channel_mean_pool",
            [node("channel_mean_pool", groups=3)],
            lambda x: x.unflatten(1, (3, 2)).mean(2),
            6,
        ),
    ]


def _resizes() -> list[Case]:
    cases = []
    for mode in ("nearest", "bilinear", "bicubic"):
        corners = [{}] if mode == "nearest" else [{}, {"align_corners": True}]
        for size, scale in [((7, 10), None), (None, 2), (None, 3), (None, (0.5, 1.5))]:
            for options in corners:
                given = {"size": size} if size else {"scale": scale}
                torch_given = {"size": size} if size else {"scale_factor": scale}

                def oracle(
                    x: torch.Tensor, options: Any = options, mode: str = mode, g: Any = torch_given
                ) -> torch.Tensor:
                    return F.interpolate(x, mode=mode, **options, **g)

                name = f"resize {mode} {given} {options}"
                cases.append(Case(name, [node("resize", mode=mode, **given, **options)], oracle, least=2))
    return cases


def _norms() -> list[Case]:
    w = {"weight": array(6), "bias": array(6)}
    t = tensors(w)
    full = {"weight": array(6, 5, 7), "bias": array(6, 5, 7)}
    f = tensors(full)

    def over_channels(x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x.permute(0, 2, 3, 1), (6,), t["weight"], t["bias"]).permute(0, 3, 1, 2)

    return [
        Case("layer_norm", [node("layer_norm", -1, w)], over_channels, 6),
        Case(
            "layer_norm over all",
            [node("layer_norm", -1, full, over="all")],
            lambda x: F.layer_norm(x, (6, 5, 7), f["weight"], f["bias"]),
            6,
            size=(5, 7),
        ),
        Case(
            "instance_norm",
            [node("instance_norm", -1, w, eps=1e-3)],
            lambda x: F.instance_norm(x, weight=t["weight"], bias=t["bias"], eps=1e-3),
            6,
            least=2,
        ),
        Case(
            "group_norm", [node("group_norm", -1, w, groups=2)], lambda x: F.group_norm(x, 2, t["weight"], t["bias"]), 6
        ),
        Case(
            "local_response_norm",
            [node("local_response_norm", size=5, alpha=0.5, k=2.0)],
            lambda x: F.local_response_norm(x, 5, 0.5, 0.75, 2.0),
            6,
        ),
        Case(
            "local_response_norm, even",
            [node("local_response_norm", size=2, alpha=0.5, beta=0.5)],
            lambda x: F.local_response_norm(x, 2, 0.5, 0.5, 1.0),
            6,
        ),
        Case("softmax", [node("softmax")], lambda x: x.softmax(1), 5),
    ]


def _kernels() -> list[Case]:
    shared, each = {"weight": array(9, 3, 1, 1)}, {"weight": array(27, 3, 1, 1)}
    s, e = torch.from_numpy(shared["weight"]), torch.from_numpy(each["weight"])

    def applied(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        windows = F.unfold(x, 3, padding=1).view(n, c, 9, h, w)
        return (windows * F.conv2d(x, weight).view(n, -1, 9, h, w)).sum(2)

    return [
        Case(
            "apply_kernels",
            [node("conv", -1, shared), node("apply_kernels", [-1, 0], kernel=3)],
            lambda x: applied(x, s),
        ),
        Case(
            "apply_kernels per channel",
            [node("conv", -1, each), node("apply_kernels", [-1, 0], kernel=3)],
            lambda x: applied(x, e),
        ),
    ]


CASES = [
    *_convolutions(),
    *_transposed(),
    *_activations(),
    *_arithmetic(),
    *_arrangements(),
    *_pooling(),
    *_resizes(),
    *_norms(),
    *_kernels(),
]
