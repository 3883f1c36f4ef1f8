"""The models that ship: the model files in this folder, each known by its stem, each with its card inside.

The registry is the folder's contents; nothing is listed twice and nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
SUFFIX = ".safetensors"


def names() -> list[str]:
    """The names by which `pellucid.load` finds them."""
    return sorted(path.stem for path in FOLDER.glob("*" + SUFFIX))


def path_of(name: str) -> Path:
    """The file of a shipped model."""
    return FOLDER / (name + SUFFIX)


def photo_scales() -> tuple[int, ...]:
    """The scales for which a network for photographs that were stored as JPEG ships."""
    known = names()
    return tuple(scale for scale in range(2, 9) if f"superres-x{scale}-photo" in known)
