import numpy as np
import pytest

from pellucid.errors import NotFiniteError, UsageError
from pellucid.picture.depths import depth_of, from_float, to_depth, to_float


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_sample_comes_back_through_float(dtype):
    every = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    x = to_float(every)
    assert x.dtype == np.float32 and x[0] == 0 and abs(x[-1] - 1) < 1e-7
    assert np.array_equal(from_float(x, dtype), every)


def test_halves_go_upwards_and_the_rest_is_clipped():
    x = np.array([0.5, 1.5, 2.499, -3, 300], np.float32) / np.float32(255)
    assert from_float(x, np.uint8).tolist() == [1, 2, 2, 0, 255]


def test_float_is_not_clipped_when_it_stays_float():
    x = np.array([-0.25, 1.5], np.float32)
    assert from_float(x, np.float32) is x


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    with pytest.raises(NotFiniteError, match="1 of 3 samples"):
        from_float(np.array([0, bad, 1], np.float32), np.uint8)


def test_sixteen_bits_to_eight_rounds_to_the_nearest():
    every = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(to_depth(every, "8"), np.round(every / 257).astype(np.uint8))
    assert np.array_equal(to_depth(np.arange(256, dtype=np.uint8), "16"), np.arange(256) * 257)


def test_other_samples_are_no_pictures():
    with pytest.raises(UsageError, match="int64.*uint8, uint16 or float32"):
        depth_of(np.int64)
    with pytest.raises(UsageError, match="float64"):
        to_depth(np.zeros(3), "8")
