"""Photographs, and a database made from them, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pellucid.learn.data.create_database import create_database
from pellucid.learn.data.database import CropDatabase, open_database
from pellucid.learn.data.database_plan import DatabaseOptions
from tests.learn.data.photographs import fill


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "photos")


@pytest.fixture(scope="session")
def small_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """101 crops of 24 x 24, 20 of them for validation. Read it only."""
    folder = tmp_path_factory.mktemp("database")
    options = DatabaseOptions(crop=24, count=101, val=0.2)
    return create_database([fill(folder / "photos")], folder / "crops.db", options, jobs=1).path


@pytest.fixture
def database(small_database: Path) -> CropDatabase:
    return open_database(small_database)
