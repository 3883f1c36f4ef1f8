"""Pruning after over-parametrised training [A17]: single weights by size, and whole channels, which makes nets smaller.

A weight that is masked stays 0 and still takes its place in the file; a channel that is removed is gone, with the
weights that made it and those that read it. Channels that meet in a sum go together, channels that leave the network
stay. What the walk does not know is left as it is; a network it cannot follow is refused.
"""

from __future__ import annotations

import copy
import operator

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from pellucid.errors import TrainingError, UsageError

Masks = dict[str, Tensor]
"""Name of a weight -> 1 where it is kept, 0 where not."""

_LAYERS = (nn.Conv2d, nn.Linear)
_SAME: tuple[type[nn.Module], ...] = (
    nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.SELU, nn.Identity, nn.Dropout, nn.Dropout2d, nn.AlphaDropout,
    nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample,
)  # fmt: skip
_SAME_FUNCTIONS = {torch.relu, nn.functional.relu, torch.tanh, torch.sigmoid, "relu", "tanh", "sigmoid"}
_SUMS = {operator.add, operator.iadd, torch.add}


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """What may be pruned: the weights of convolutions and dense layers, not biases, slopes and norms."""
    layers = ((name, layer) for name, layer in network.named_modules() if isinstance(layer, _LAYERS))
    return {f"{name}.weight": layer.weight for name, layer in layers}


def smallest(network: nn.Module, share: float, masks: Masks | None = None) -> Masks:
    """[A17] Masks without the `share` of the weights still kept that is smallest, layer by layer."""
    _check_share(share)
    found = {}
    for name, weight in weights_of(network).items():
        kept = torch.ones_like(weight) if masks is None else masks[name]
        sizes = weight.detach().abs()[kept > 0]
        drop = min(int(share * len(sizes)), len(sizes) - 1)
        least = sizes.sort().values[drop]
        found[name] = kept * (weight.detach().abs() >= least)
    return found


@torch.no_grad()
def apply_masks(network: nn.Module, masks: Masks) -> None:
    """Sets what is pruned to 0; again after every step of training."""
    for name, weight in weights_of(network).items():
        weight.mul_(masks[name])


def share_left(masks: Masks) -> float:
    """Of the weights that may be pruned, those that are kept."""
    return float(sum(m.sum().item() for m in masks.values()) / sum(m.numel() for m in masks.values()))


def prune_channels(network: nn.Module, example: Tensor, share: float) -> nn.Module:
    """[A17] A smaller copy: of each layer's channels the `share` is gone whose weights are smallest together.

    At least one channel of each stays. Training it on afterwards is what makes it good again.
    """
    _check_share(share)
    walk = Walk(network, example)
    gone: set[int] = set()
    for channels in walk.free():
        sizes = [sum(walk.size_of(member) for member in walk.members[root]) for root in channels]
        drop = min(int(share * len(channels)), len(channels) - 1)
        gone.update(channels[i] for i in np.argsort(sizes, kind="stable")[:drop])
    return walk.without(gone)


def drop_unread(network: nn.Module, example: Tensor) -> nn.Module:
    """[A17] A copy without the channels that nothing reads any more, which masks leave behind; its output is equal."""
    while True:
        walk = Walk(network, example)
        gone = {root for channels in walk.free() for root in channels[1:] if walk.is_unread(root)}
        if not gone:
            return walk.without(gone)
        network = walk.without(gone)


class Walk:
    """A network followed channel by channel: every channel has a number, and channels that are added share theirs."""

    def __init__(self, network: nn.Module, example: Tensor) -> None:
        self.network = network
        self.parent: list[int] = []
        self.locked: set[int] = set()
        self.made: dict[str, list[int]] = {}  # layer -> numbers of the channels it makes
        self.read: dict[str, list[int]] = {}  # layer -> numbers of the channels it reads
        self.beside: dict[str, list[int]] = {}  # norms and slopes -> numbers of their channels
        training = network.training
        try:
            traced = fx.symbolic_trace(network)
            shapes = _shapes(traced, example)
        except (fx.proxy.TraceError, TypeError, RuntimeError) as error:
            raise TrainingError("the network cannot be followed", seen=str(error).splitlines()[0]) from None
        finally:
            network.train(training)
        self._follow(traced, shapes)
        self.members: dict[int, list[tuple[str, int]]] = {}
        for name, channels in self.made.items():
            for place, channel in enumerate(channels):
                self.members.setdefault(self.root(channel), []).append((name, place))

    def root(self, channel: int) -> int:
        while self.parent[channel] != channel:
            channel = self.parent[channel]
        return channel

    def free(self) -> list[list[int]]:
        """What may go, in lists of channels that the same layers make."""
        locked = {self.root(channel) for channel in self.locked}
        found: dict[tuple[str, ...], list[int]] = {}
        for root, members in self.members.items():
            if root not in locked:
                found.setdefault(tuple(sorted({name for name, _ in members})), []).append(root)
        return list(found.values())

    def size_of(self, member: tuple[str, int]) -> float:
        name, place = member
        return float(self._weight(name)[place].norm())

    def is_unread(self, root: int) -> bool:
        """Whether every weight that reads the channel is 0."""
        for name, channels in self.read.items():
            places = [i for i, channel in enumerate(channels) if self.root(channel) == root]
            if places and self._weight(name)[:, places].any():
                return False
        return True

    @torch.no_grad()
    def without(self, gone: set[int]) -> nn.Module:
        smaller = copy.deepcopy(self.network)
        for name, layer in smaller.named_modules():
            if name in self.read and isinstance(layer, _LAYERS):
                rows, columns = self._kept(self.made[name], gone), self._kept(self.read[name], gone)
                layer.weight = nn.Parameter(layer.weight[rows][:, columns].clone())
                if layer.bias is not None:
                    layer.bias = nn.Parameter(layer.bias[rows].clone())
                _resize(layer, len(columns), len(rows))
            elif name in self.beside:
                _narrow(layer, self._kept(self.beside[name], gone), len(self.beside[name]))
        return smaller

    def _weight(self, name: str) -> Tensor:
        weight = self.network.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        return weight.detach()

    def _kept(self, channels: list[int], gone: set[int]) -> Tensor:
        return torch.tensor([i for i, channel in enumerate(channels) if self.root(channel) not in gone])

    def _new(self, count: int) -> list[int]:
        start = len(self.parent)
        self.parent += range(start, start + count)
        return self.parent[start:]

    def _follow(self, traced: fx.GraphModule, shapes: dict[str, torch.Size]) -> None:
        channels: dict[str, list[int]] = {}
        for node in traced.graph.nodes:
            read = [channels[a.name] for a in node.all_input_nodes]
            if node.op == "output":
                self.locked.update(channel for part in read for channel in part)
                continue
            found = self._through(node, read, shapes) if read else None
            if found is None:  # the network's input, or something this walk does not know: nothing there may go
                self.locked.update(channel for part in read for channel in part)
                found = self._new(shapes[node.name][1] if len(shapes.get(node.name, ())) > 1 else 0)
                self.locked.update(found)
            channels[node.name] = found

    def _through(self, node: fx.Node, read: list[list[int]], shapes: dict[str, torch.Size]) -> list[int] | None:
        """The numbers of the channels that a node makes of those it reads; None where this walk does not know it."""
        target, shape = node.target, shapes[node.name]
        if node.op == "call_module":
            return self._through_module(str(target), read[0], shape)
        if target in (torch.flatten, "flatten"):
            return _flattened(read[0], shape)
        if target is torch.cat and (node.kwargs.get("dim", node.args[-1])) == 1:
            return [channel for part in read for channel in part]
        if target in _SAME_FUNCTIONS or (target in _SUMS and len(read) == 1):
            return read[0]
        if target in _SUMS and len(read[0]) == len(read[1]):
            for a, b in zip(*read, strict=True):
                self.parent[self.root(b)] = self.root(a)
            return read[0]
        return None

    def _through_module(self, name: str, read: list[int], shape: torch.Size) -> list[int] | None:
        layer = self.network.get_submodule(name)
        if name in self.made or name in self.beside:  # used twice: what fits one place might not fit the other
            for table in (self.read, self.made, self.beside):
                self.locked.update(table.get(name, ()))
            return None
        if (type(layer) is nn.Linear and len(shape) == 2) or (type(layer) is nn.Conv2d and layer.groups == 1):
            self.read[name], self.made[name] = read, self._new(layer.weight.shape[0])
            return self.made[name]
        if isinstance(layer, nn.Flatten):
            return _flattened(read, shape)
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.PReLU)):
            self.beside[name] = read
            return read
        return read if isinstance(layer, _SAME) else None


def _flattened(read: list[int], shape: torch.Size) -> list[int] | None:
    """(n, c, h, w) -> (n, c h w): each channel becomes h w features."""
    if len(shape) != 2 or not read or shape[1] % len(read):
        return None
    return [channel for channel in read for _ in range(shape[1] // len(read))]


def _shapes(traced: fx.GraphModule, example: Tensor) -> dict[str, torch.Size]:
    traced.eval()
    with torch.no_grad():
        ShapeProp(traced).propagate(example)
    found = ((node.name, node.meta.get("tensor_meta")) for node in traced.graph.nodes)
    return {name: getattr(meta, "shape", torch.Size()) for name, meta in found}


def _resize(layer: nn.Module, read: int, made: int) -> None:
    """The sizes that a layer's own words tell."""
    if isinstance(layer, nn.Conv2d):
        layer.in_channels, layer.out_channels = read, made
    elif isinstance(layer, nn.Linear):
        layer.in_features, layer.out_features = read, made


def _narrow(layer: nn.Module, kept: Tensor, channels: int) -> None:
    """A norm or slope for some of its channels."""
    for name, values in [*layer.named_parameters(), *layer.named_buffers()]:
        if values.shape == (channels,):
            smaller = values.detach()[kept].clone()
            setattr(layer, name, nn.Parameter(smaller) if isinstance(values, nn.Parameter) else smaller)
    if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
        layer.num_features = len(kept)
    elif isinstance(layer, nn.PReLU) and layer.num_parameters > 1:
        layer.num_parameters = len(kept)


def _check_share(share: float) -> None:
    if not 0 <= share < 1:
        raise UsageError("the share to prune is out of range", seen=share, expected="0 or more, below 1")
