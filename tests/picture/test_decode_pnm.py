import numpy as np
import pytest

from pellucid.errors import PictureError
from pellucid.picture import open_reader, read
from tests.picture.samples import noisy


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_and_colour_of_8_and_16_bits(channels, dtype):
    want = noisy(6, 5, channels, dtype)
    head = b"P%d\n# a comment\n5 6\n%d\n" % (5 if channels == 1 else 6, np.iinfo(dtype).max)
    with open_reader(head + want.astype(want.dtype.newbyteorder(">")).tobytes()) as reader:
        got = np.concatenate([pixels for pixels, _ in reader.rows(4)])
    assert got.dtype == dtype and np.array_equal(got, want)


def test_another_maximum_is_stretched():
    assert read(b"P5 3 1 15 " + bytes([0, 8, 15])).pixels.ravel().tolist() == [0, 136, 255]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"P5 3 2 255 12345", "cut short; seen: 16 bytes; expected: 17 bytes"),
        (b"P5 3 2 255 123456P5 3 2 255 123456", "holds several pictures"),
        (b"P6 hello", "damaged header"),
        (b"P5 0 2 255 ", "absurd header"),
        (b"P5 3 2 70000 ", "absurd header"),
        (b"P5 99999 99999 255 ", "too many pixels"),
    ],
)
def test_what_is_no_single_whole_picture_is_refused(data, words):
    with pytest.raises(PictureError, match=words):
        read(data)
