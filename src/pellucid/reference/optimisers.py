"""Optimisers, one step at a time, on one array of parameters each. [A13]

Each is a small object that holds its settings and its running averages; `step(theta, gradient)` returns the new
parameters and changes nothing but the averages. The gradient is that of a mini-batch: with it, gradient descent is
SGD. The rate is inside the momentum (m = beta m - rate g), so a rate that changes acts on new gradients only.
"""

from dataclasses import dataclass, field

import numpy as np

from pellucid.reference.window import Array


def _average() -> Array:
    """A running average before the first step: 0, which takes the shape of what is added to it."""
    average: Array = field(default_factory=lambda: np.zeros(()), repr=False)
    return average


@dataclass
class GradientDescent:
    """theta = theta - rate * g. [A13]"""

    rate: float

    def step(self, theta: Array, gradient: Array) -> Array:
        return theta - self.rate * gradient


@dataclass
class Momentum:
    """m = beta m - rate g; theta = theta + m. [A13]"""

    rate: float
    beta: float = 0.9
    m: Array = _average()

    def step(self, theta: Array, gradient: Array) -> Array:
        self.m = self.beta * self.m - self.rate * gradient
        return theta + self.m


@dataclass
class Nesterov:
    """m = beta m - rate g; theta = theta + beta m - rate g: the momentum of the step to come is taken already. [A13]

    `theta` is where the gradient is taken, one momentum step ahead of the parameters in Nesterov's own form.
    """

    rate: float
    beta: float = 0.9
    m: Array = _average()

    def step(self, theta: Array, gradient: Array) -> Array:
        self.m = self.beta * self.m - self.rate * gradient
        return theta + self.beta * self.m - self.rate * gradient


@dataclass
class Adagrad:
    """v = v + g^2; theta = theta - rate g / (sqrt v + epsilon). [A13]"""

    rate: float = 0.01
    epsilon: float = 1e-10
    v: Array = _average()

    def step(self, theta: Array, gradient: Array) -> Array:
        self.v = self.v + gradient**2
        return theta - self.rate * gradient / (np.sqrt(self.v) + self.epsilon)


@dataclass
class RMSProp:
    """v = beta v + (1 - beta) g^2; theta = theta - rate g / (sqrt v + epsilon). [A13]"""

    rate: float = 0.01
    beta: float = 0.99
    epsilon: float = 1e-8
    v: Array = _average()

    def step(self, theta: Array, gradient: Array) -> Array:
        self.v = self.beta * self.v + (1 - self.beta) * gradient**2
        return theta - self.rate * gradient / (np.sqrt(self.v) + self.epsilon)


@dataclass
class Adadelta:
    """As RMSProp, with the running size of past steps in the rate's place, so that units cancel. [A13]

    v = beta v + (1 - beta) g^2; d = sqrt(u + epsilon) / sqrt(v + epsilon) g; u = beta u + (1 - beta) d^2;
    theta = theta - rate d.
    """

    rate: float = 1.0
    beta: float = 0.9
    epsilon: float = 1e-6
    v: Array = _average()
    u: Array = _average()

    def step(self, theta: Array, gradient: Array) -> Array:
        self.v = self.beta * self.v + (1 - self.beta) * gradient**2
        d = np.sqrt(self.u + self.epsilon) / np.sqrt(self.v + self.epsilon) * gradient
        self.u = self.beta * self.u + (1 - self.beta) * d**2
        return theta - self.rate * d


@dataclass
class Adam:
    """m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; both divided by what a start from 0 leaves out:

    theta = theta - rate * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon). [A13]
    """

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    t: int = 0
    m: Array = _average()
    v: Array = _average()

    def step(self, theta: Array, gradient: Array) -> Array:
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * gradient
        self.v = self.beta2 * self.v + (1 - self.beta2) * gradient**2
        m = self.m / (1 - self.beta1**self.t)
        v = self.v / (1 - self.beta2**self.t)
        return theta - self.rate * m / (np.sqrt(v) + self.epsilon)


@dataclass
class AdamW(Adam):
    """Adam, after the weights have shrunk by 1 - rate * decay: decay apart from the gradient. [A13]"""

    decay: float = 0.01

    def step(self, theta: Array, gradient: Array) -> Array:
        return super().step(theta * (1 - self.rate * self.decay), gradient)
