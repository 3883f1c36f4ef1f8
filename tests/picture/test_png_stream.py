import threading
import time

import numpy as np
import pytest

from pellucid.picture.png_stream import Pipe, PngStream
from tests.picture.samples import noisy, vips_pixels


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_stream_is_a_png_of_the_rows(bands, dtype):
    want = noisy(300, 120, bands, dtype)
    stream = PngStream(300, 120, bands, want.dtype)
    pieces = list(stream.begin())
    for y in range(0, 300, 37):
        pieces += stream.rows(want[y : y + 37])
    data = b"".join([*pieces, *stream.end()])
    assert len(data) > want.nbytes and np.array_equal(vips_pixels(data), want)


def test_the_writer_waits_when_too_much_is_under_way():
    pipe, taken = Pipe(limit=10), []

    def take_all():
        while (piece := pipe.take(3)) is not None:
            taken.append(piece)

    reader = threading.Thread(target=take_all)
    assert pipe.put(b"0123456789")
    threading.Timer(0.05, reader.start).start()
    assert pipe.put(b"abc")  # only returns once the reader has begun
    assert taken
    pipe.close()
    while not reader.is_alive() and b"".join(taken) != b"0123456789abc":
        time.sleep(0.001)
    reader.join(5)
    assert b"".join(taken) == b"0123456789abc" and max(map(len, taken)) <= 3


def test_a_reader_that_has_gone_is_noticed_even_while_waiting():
    pipe = Pipe(limit=1)
    assert pipe.put(b"x")
    threading.Timer(0.05, pipe.break_off).start()
    assert not pipe.put(b"y")
    assert not pipe.put(b"z")
