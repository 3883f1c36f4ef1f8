import pytest

from pellucid.picture import tags
from pellucid.picture.tags import Layout, numbers, text


def reader(data: bytes):
    def read(at, size):
        if at + size > len(data):
            raise ValueError("short")
        return data[at : at + size]

    return read


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_packed_directory_reads_back(order, big):
    layout = Layout(order, big)
    directory = {
        300: text(b"a long description\0"),
        256: numbers(tags.LONG, 70_000),
        258: numbers(tags.SHORT, 8, 8, 8),
        282: tags.Tag(tags.RATIONAL, 1, (300).to_bytes(4, "little") + (1).to_bytes(4, "little")),
        279: numbers(tags.LONG, *range(1000)),
    }
    data = bytes(24) + tags.pack_directory(directory, layout, 24)
    found, link_at, link = tags.read_directory(reader(data), layout, 24)
    assert link == 0 and data[link_at : link_at + 4] == bytes(4)
    assert {k: (v.kind, v.count, v.data) for k, v in found.items()} == {
        k: (v.kind, v.count, v.data) for k, v in directory.items()
    }
    assert found[256].number == 70_000


def test_headers_of_all_four_kinds():
    assert tags.read_header(reader(b"II*\0\x08\0\0\0")) == (Layout("<"), 8)
    assert tags.read_header(reader(b"MM\0*\0\0\0\x08")) == (Layout(">"), 8)
    assert tags.read_header(reader(b"II+\0\x08\0\0\0" + (16).to_bytes(8, "little"))) == (Layout("<", True), 16)
    with pytest.raises(ValueError, match="no TIFF"):
        tags.read_header(reader(b"PK\3\4aaaa"))


def test_a_directory_that_points_outside_is_refused():
    data = bytes(8) + tags.pack_directory({300: text(b"a long description\0")}, Layout("<"), 8)
    with pytest.raises(ValueError, match="short"):
        tags.read_directory(reader(data[:-4]), Layout("<"), 8)
