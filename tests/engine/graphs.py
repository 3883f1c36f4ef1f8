"""Random graphs: chains, branches, U-Nets, several passes; every one a list of nodes for the engine."""

import numpy as np

from tests.engine.cases import Node


class Maker:
    """Adds nodes one by one; knows each map's channels and its scale, the picture's rows per row of it."""

    def __init__(self, seed: int, channels: int = 3) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.channels = {-1: channels}

    def add(self, operation: str, inputs: list[int], oc: int, weights: dict | None = None, **attributes: object) -> int:
        self.nodes.append((f"{operation}{len(self.nodes)}", operation, inputs, attributes, weights or {}))
        self.channels[len(self.nodes) - 1] = oc
        return len(self.nodes) - 1

    def array(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (self.random.standard_normal(shape) * scale).astype(np.float32)

    def conv(self, x: int, oc: int, k: int = 3, **options: int) -> int:
        ic = self.channels[x]
        scale = (2 / (k * k * ic)) ** 0.5
        w = {"weight": self.array(oc, ic, k, k, scale=scale), "bias": self.array(oc, scale=0.1)}
        return self.add("conv", [x], oc, w, padding=options.pop("padding", k // 2), **options)

    def activation(self, x: int) -> int:
        c = self.channels[x]
        kind = self.random.choice(["relu", "leaky_relu", "prelu", "tanh", "silu"])
        return self.add(kind, [x], c, {"weight": np.abs(self.array(c))} if kind == "prelu" else None)


def residual_chain(seed: int) -> list[Node]:
    """Convolutions of all sizes with additions over short and long distances."""
    m = Maker(seed)
    x = first = m.activation(m.conv(-1, 12))
    for _ in range(m.random.integers(2, 6)):
        y = m.activation(m.conv(x, 12, int(m.random.choice([1, 3, 3, 3, 5]))))
        x = m.add("add", [y, x], 12) if m.random.random() < 0.6 else y
    x = m.add("add", [first, m.conv(x, 12)], 12)
    m.add("pixel_shuffle", [m.conv(x, 12)], 3, factor=2)
    return m.nodes


def u_net(seed: int) -> list[Node]:
    """Down by strides or pooling, up by transposed convolution or resizing, maps joined across."""
    m = Maker(seed)
    x, skips, c = m.activation(m.conv(-1, 8)), [], 8
    for _ in range(2):
        skips.append(x)
        if m.random.random() < 0.5:
            x = m.activation(m.conv(x, c * 2, 3, stride=2))
        else:
            x = m.conv(m.add("max_pool", [x], c, kernel=2), c * 2)
        c *= 2
    x = m.activation(m.conv(x, c))
    for skip in reversed(skips):
        c //= 2
        if m.random.random() < 0.5:
            w = {"weight": m.array(c * 2, c, 2, 2, scale=0.2)}
            x = m.add("conv_transpose", [x], c, w, stride=2)
        else:
            mode = str(m.random.choice(["nearest", "bilinear"]))
            x = m.conv(m.add("resize", [x], c * 2, mode=mode, scale=2), c)
        x = m.activation(m.conv(m.add("concat", [x, skip], c * 2), c))
    m.add("add", [m.conv(x, 3), -1], 3)
    return m.nodes


def several_passes(seed: int) -> list[Node]:
    """Norms over the map, channel attention, and a pyramid of pools: each needs the whole picture first."""
    m = Maker(seed)
    x = m.conv(-1, 8)
    for _ in range(m.random.integers(1, 3)):
        x = m.activation(m.add("instance_norm", [x], 8))
        x = m.conv(x, 8)
    pooled = m.add("global_mean_pool", [x], 8)
    gate = m.add("sigmoid", [m.conv(m.activation(m.conv(pooled, 4, 1)), 8, 1)], 8)
    x = m.add("add", [m.add("multiply", [x, gate], 8), x], 8)
    m.add("concat", [m.conv(x, 5), -1], 8)
    return m.nodes


def dense_block(seed: int) -> list[Node]:
    """Every layer reads all that came before; differing paddings and crops."""
    m = Maker(seed)
    maps = [m.conv(-1, 6)]
    for _ in range(3):
        joined = m.add("concat", list(maps), sum(m.channels[i] for i in maps)) if len(maps) > 1 else maps[0]
        maps.append(m.activation(m.conv(joined, 4)))
    x = m.add("pad", [maps[-1]], 4, amounts=(3, 2, 1, 3), mode=str(m.random.choice(["reflect", "replicate", "zero"])))
    x = m.conv(x, 4, 3, padding=0)
    x = m.add("crop", [x], 4, amounts=(1, 1, 1, 2))
    m.add("max_pool", [x], 4, kernel=3, stride=int(m.random.choice([1, 2])), padding=1)
    return m.nodes


KINDS = [residual_chain, u_net, several_passes, dense_block]
