"""A small database that the tests of this folder learn from."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from pellucid.learn.data.create_database import create_database  # noqa: E402
from pellucid.learn.data.database_plan import DatabaseOptions  # noqa: E402
from pellucid.learn.training.drawn import drawn_picture  # noqa: E402
from pellucid.picture import Picture, write  # noqa: E402


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 crops of 24 x 24 from eight drawn pictures."""
    folder = tmp_path_factory.mktemp("crops")
    (folder / "pictures").mkdir()
    for number in range(8):
        write(folder / "pictures" / f"{number}.png", Picture(drawn_picture(3, number)))
    options = DatabaseOptions(crop=24, count=96, val=0.2)
    return create_database([folder / "pictures"], folder / "crops.db", options, jobs=1).path
