"""What tests of several rooms share."""

from collections.abc import Iterator

import pytest

from pellucid import _engine


@pytest.fixture(params=_engine.isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction set of this machine, one after the other."""
    before = _engine.isa()
    _engine.set_isa(request.param)
    yield request.param
    _engine.set_isa(before)
