import pytest

from pellucid.picture import metadata
from tests.picture.samples import DATE, MAKER, MAKER_NOTE, exif_blob, profile


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_reset_and_nothing_else_changes(order, orientation):
    assert metadata.clean_exif(exif_blob(orientation, order)) == exif_blob(1, order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_thumbnail_goes_and_its_bytes_with_it(order):
    cleaned = metadata.clean_exif(exif_blob(6, order, thumbnail=b"\xff\xd8stale\xff\xd9"))
    assert cleaned is not None and b"stale" not in cleaned
    assert cleaned.rstrip(b"\0") == exif_blob(1, order).rstrip(b"\0")


@pytest.mark.parametrize("size", [0, 3, 8, 20, 50, 60, 90])
def test_exif_that_ends_early_is_dropped_or_kept_but_never_crashes(size):
    cleaned = metadata.clean_exif(exif_blob(6)[: 6 + size])
    assert cleaned is None or cleaned == exif_blob(1)[: 6 + size]


def test_a_directory_that_points_to_itself_ends():
    blob = bytearray(exif_blob(6, thumbnail=b"x"))
    blob[6 + 42 : 6 + 46] = (8).to_bytes(4, "little")  # the EXIF directory is the first one again
    assert metadata.clean_exif(bytes(blob)) is not None


def test_directories_of_either_byte_order_say_the_same():
    little, big = (metadata.exif_directories(exif_blob(1, order)) for order in "<>")
    assert {k: v.data for k, v in little[0].items()} == {k: v.data for k, v in big[0].items()} == {MAKER: b"ACM\0"}
    assert little[1][DATE].data == big[1][DATE].data == b"2020:02:03 04:05:06\0"
    assert little[1][MAKER_NOTE].data == b"NOTE" * 3
    assert metadata.exif_directories(b"no exif") == ({}, {}, {})


def test_xmp_stands_upright_without_thumbnails():
    xmp = b'<a tiff:Orientation="6"/><tiff:Orientation>8</tiff:Orientation><xmp:Thumbnails>\nold</xmp:Thumbnails><b/>'
    want = b'<a tiff:Orientation="1"/><tiff:Orientation>1</tiff:Orientation><b/>'
    assert metadata.clean_xmp(xmp) == want
    assert metadata.clean_xmp(None) is None


def test_a_profile_of_other_colours_is_not_kept():
    for channels in (1, 3):
        assert metadata.fitting_profile(profile(channels), channels) == profile(channels)
        assert metadata.fitting_profile(profile(channels), 4 - channels) is None
    assert metadata.fitting_profile(b"junk", 3) is None


def test_photoshops_segment_keeps_words_and_loses_pictures():
    def resource(number: int, data: bytes, name: bytes = b"\0\0") -> bytes:
        return (
            b"8BIM" + number.to_bytes(2, "big") + name + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
        )

    head, words = b"Photoshop 3.0\0", resource(0x0404, b"\x1c\x02\x78\0\x05hello")
    thumbnail = resource(0x040C, b"\xff\xd8 odd", b"\x03abc")
    assert metadata.clean_iptc(head + thumbnail + words + thumbnail) == head + words
    assert metadata.clean_iptc(head + thumbnail) is None
    assert metadata.clean_iptc(b"something else") is None and metadata.clean_iptc(None) is None
    for size in range(len(words)):  # cut short
        assert metadata.clean_iptc(head + words[:size]) is None
