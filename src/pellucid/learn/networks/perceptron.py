"""Fully connected networks: the perceptron and the multi-layer perceptron [B1], the self-normalising one [B12], and the
autoencoder with a bottleneck [B9]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pellucid.errors import unknown_name

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "selu": nn.SELU,
    "identity": nn.Identity,
}


class MLP(nn.Module):
    """Dense layers of the given widths with an activation between them; two widths make a perceptron.

    With SELU, weights are drawn with variance 1 / fan-in, which is what holds mean and variance at their fixed point.
    """

    def __init__(self, widths: Sequence[int], activation: str = "relu", dropout: float = 0.0) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown_name("activation", activation, list(ACTIVATIONS))
        layers: list[nn.Module] = [nn.Flatten()]
        for i, (wide, out) in enumerate(zip(widths, widths[1:], strict=False)):
            if i:
                layers.append(ACTIVATIONS[activation]())
                if dropout:
                    layers.append(nn.AlphaDropout(dropout) if activation == "selu" else nn.Dropout(dropout))
            layers.append(nn.Linear(wide, out))
        self.layers = nn.Sequential(*layers)
        if activation == "selu":
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, std=module.in_features**-0.5)
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Autoencoder(nn.Module):
    """Dense layers down to `code` values and up again; with the identity as activation it can at best become PCA."""

    def __init__(
        self, size: int = 784, hidden: Sequence[int] = (256, 64), code: int = 16, activation: str = "relu"
    ) -> None:
        super().__init__()
        self.encoder = MLP([size, *hidden, code], activation)
        self.decoder = MLP([code, *reversed(hidden), size], activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))  # (n, ...) -> (n, size)
