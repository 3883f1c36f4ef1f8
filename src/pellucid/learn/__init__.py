"""Learning: data, networks, recipes, training, export. The only room that may import torch.

pellucid.learn.export(module, "model.safetensors", example)     # any module of operations that the engine has
pellucid.learn.accelerate(module)                                # its convolutions train on the engine
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Torch's threads sleep when they have nothing to do. Spinning, they would keep the cores from the engine's, whose
# turn comes between two of torch's operations. It must be said before torch loads; what the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from pellucid.learn.acceleration import accelerate
    from pellucid.learn.to_runtime import export

__all__ = ["accelerate", "export"]


def __getattr__(name: str) -> Any:
    if name == "export":  # torch loads when it is first used
        from pellucid.learn.to_runtime import export

        return export
    if name == "accelerate":
        from pellucid.learn.acceleration import accelerate

        return accelerate
    raise AttributeError(f"module 'pellucid.learn' has no attribute {name!r}")
