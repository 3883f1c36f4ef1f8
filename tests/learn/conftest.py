"""What tests of learning share."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def threads() -> Iterator[None]:
    """Torch's number of threads may be changed: it is put back."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
