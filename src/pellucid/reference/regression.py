"""Least squares with a penalty on the weights: ridge regression, and weight decay as steps see it. [A11]

The penalty is lambda / 2 |w|^2 beside half the squared norm of the residuals. Decay shrinks the weights by itself; for
plain gradient descent it is the same as the penalty, for optimisers that rescale gradients it is not.
"""

import numpy as np

from pellucid.reference.window import Array


def polynomial(x: Array, degree: int) -> Array:
    """1, x, ... x^degree in columns: (n,) -> (n, degree + 1). [A11]"""
    columns: Array = np.asarray(x, float)[:, None] ** np.arange(degree + 1)
    return columns


def ridge(features: Array, targets: Array, penalty: float) -> Array:
    """The w that minimises |F w - t|^2 / 2 + penalty / 2 |w|^2: (F^T F + penalty I) w = F^T t. [A11]

    Solved on F with sqrt(penalty) I below it, so that nothing is squared; without a penalty the smallest such w.
    """
    m = features.shape[1]
    longer = np.concatenate([features, np.sqrt(penalty) * np.eye(m)])
    solution: Array = np.linalg.lstsq(longer, np.concatenate([targets, np.zeros(m)]), rcond=None)[0]
    return solution


def ridge_gradient(features: Array, targets: Array, w: Array, penalty: float) -> Array:
    """F^T (F w - t) + penalty w. [A11]"""
    gradient: Array = features.T @ (features @ w - targets) + penalty * w
    return gradient


def decayed(w: Array, share: float) -> Array:
    """(1 - share) w: weight decay, apart from any gradient. [A11]"""
    return (1 - share) * w
