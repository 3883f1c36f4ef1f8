"""What is built for others holds the whole package: a pattern that leaves out a folder must not leave out a room."""

import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_source_file_is_in_the_source_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = pytest.importorskip("scikit_build_core.build", reason="scikit-build-core makes the archive")
    monkeypatch.chdir(ROOT)
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    sources = [
        str(path.relative_to(ROOT))
        for folder in ("src/pellucid", "engine")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".css", ".safetensors", ".cpp", ".h", ".pyi")
    ]
    assert len(sources) > 300
    assert [path for path in sources if path not in there] == []
