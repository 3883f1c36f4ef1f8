"""Learning: data, networks, recipes, training, export. The only room that may import torch.

pellucid.learn.export(module, "model.safetensors", example)     # any module of operations that the engine has
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.learn.to_runtime import export

__all__ = ["export"]


def __getattr__(name: str) -> Any:
    if name == "export":  # torch loads when it is first used
        from pellucid.learn.to_runtime import export

        return export
    raise AttributeError(f"module 'pellucid.learn' has no attribute {name!r}")
