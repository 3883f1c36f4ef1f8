"""Convolutional networks for images, on the computer you have.

    net = pellucid.load("superres-x3")
    larger = net(picture)              # a NumPy array, a Picture or a file's name
    y = net.run(x)                     # float32 (n, h, w, c)

Names are imported when they are first used: importing the package costs nothing, and never loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.network import Network, load

__all__ = ["Network", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in ("Network", "load"):
        from pellucid import network

        return getattr(network, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("pellucid")
    raise AttributeError(f"module 'pellucid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
