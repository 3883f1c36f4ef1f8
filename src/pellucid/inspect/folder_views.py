"""What a folder of pictures shows of a network: the regions that excite a layer's units, and how it sorts the pictures.

And what the pictures themselves are like. Each picture is seen as its middle, as the network reads it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspect.embedding import Embedding, embedding
from pellucid.inspect.inspection import middle
from pellucid.inspect.picture_statistics import Statistics, statistics_of
from pellucid.inspect.receptive_fields import receptive_field
from pellucid.inspect.strongest_regions import Back, UnitRegions, strongest_regions
from pellucid.inspect.unit_activity import ACTIVATIONS
from pellucid.picture import to_float

if TYPE_CHECKING:
    from pellucid.network import Network

MOST_PICTURES, MOST_SECONDS_PART = 200, 0.5

Progress = Callable[[int, int, str], None]


@dataclass
class FolderViews:
    """`thumbnails` are the pictures as the network was shown them, in the order of the embedding's names."""

    regions: list[UnitRegions] = field(default_factory=list)
    embedding: Embedding | None = None
    statistics: Statistics | None = None
    thumbnails: list[np.ndarray] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def look_at_folder(
    net: Network,
    paths: Sequence[Path],
    layer: str | None = None,
    back: Callable[[Network, str], Back] | None = None,
    seconds: float = 60.0,
    progress: Progress | None = None,
) -> FolderViews:
    """Shows the network up to 200 of these pictures, evenly drawn, as many as half of the time allows."""
    from pellucid.picture import read

    end = time.monotonic() + MOST_SECONDS_PART * seconds
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(len(paths), MOST_PICTURES)).astype(int))]
    found = FolderViews()
    pictures: list[tuple[str, np.ndarray]] = []
    for number, path in enumerate(chosen):
        if progress:
            progress(number, len(chosen), path.name)
        if time.monotonic() > end and len(pictures) >= 3:
            found.left_out["some pictures"] = f"the time sufficed for {len(pictures)} of {len(chosen)}"
            break
        pictures.append((path.name, np.ascontiguousarray(middle(net, to_float(read(path).pixels)))))
    found.thumbnails = [picture for _, picture in pictures]
    local, last = local_layer(net, layer), layer or last_hidden(net)
    try:
        found.regions = strongest_regions(net, local, pictures, back=back(net, local) if back else None)
        found.embedding = embedding(net, last, pictures, progress)
    except UsageError as error:
        found.left_out["the layer's pictures"] = str(error)
    if min(min(picture.shape[:2]) for _, picture in pictures) >= 32:
        found.statistics = statistics_of([picture for _, picture in pictures])
    return found


def hidden_layers(net: Network) -> Iterator[str]:
    """The activations before the output, or every layer where there are none."""
    nodes = net.graph.nodes[:-1] or net.graph.nodes
    names = [node.name for node in nodes if node.operation in ACTIVATIONS]
    return iter(names or [node.name for node in nodes])


def last_hidden(net: Network) -> str:
    return list(hidden_layers(net))[-1]


def local_layer(net: Network, layer: str | None) -> str:
    """The layer asked for; else the last hidden one whose units see a part of the picture."""
    if layer is not None:
        return layer
    whole = {f.layer for f in receptive_field(net) if f.whole}
    names = list(hidden_layers(net))
    return next((name for name in reversed(names) if name not in whole), names[-1])
