"""`upscale_by_torch.py IN OUT MODEL`: what `pellucid upscale IN -o OUT --model MODEL` does, with torch in place of the
engine: the same network, and the same reading and writing of files, so that what differs is the runtime alone."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from pellucid import modelfile, models, picture  # noqa: E402
from pellucid.learn.inspect.as_module import AsModule  # noqa: E402


def main(source: str, target: str, model: str) -> None:
    before = picture.read(source)
    file = modelfile.load(models.path_of(model))
    network = AsModule(file.graph, file.weights).eval().to(memory_format=torch.channels_last)
    x = torch.from_numpy(picture.to_float(before.pixels)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        y = network(x)[0].permute(1, 2, 0).clamp(0, 1).contiguous().numpy()
    after = picture.Picture(picture.from_float(y, before.pixels.dtype), profile=before.profile)
    picture.write(target, after, overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
