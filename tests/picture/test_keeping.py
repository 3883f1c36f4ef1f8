import pytest

from pellucid.errors import PictureError
from pellucid.picture import PictureInfo
from pellucid.picture.formats import BMP, JPEG, PNG, TIFF, WEBP
from pellucid.picture.keeping import what_is_kept


@pytest.mark.parametrize(("format", "side"), [(JPEG, 65_535), (WEBP, 16_383)])
def test_sides_beyond_the_format_are_refused(format, side):
    what_is_kept("a", format, PictureInfo(side, 1, 3))
    what_is_kept("a", format, PictureInfo(1, side, 3))
    for h, w in ((side + 1, 1), (1, side + 1)):
        with pytest.raises(PictureError, match=f"can't hold so large a picture; seen: {w} x {h}.*up to {side}"):
            what_is_kept("a", format, PictureInfo(h, w, 3))


@pytest.mark.parametrize("format", [JPEG, BMP])
def test_transparency_is_refused_where_there_is_no_room(format):
    with pytest.raises(PictureError, match="can't hold transparency; hint: write PNG, TIFF or WebP"):
        what_is_kept("a", format, PictureInfo(2, 2, 3, has_alpha=True))


def test_what_is_lost_is_said():
    full = PictureInfo(2, 2, 1, "16", profile=b"p", exif=b"e", xmp=b"x")
    for format in (PNG, TIFF):
        kept, notes = what_is_kept("a", format, full)
        assert notes == [] and (kept.depth, kept.profile, kept.exif, kept.xmp) == ("16", b"p", b"e", b"x")
    kept, notes = what_is_kept("a", WEBP, full)
    assert (kept.depth, kept.profile, kept.exif) == ("8", None, b"e")
    assert notes == [
        "WebP: 16-bit samples are rounded to 8 bits",
        "WebP: grey is kept as RGB",
        "WebP: the colour profile is not kept",
    ]
    kept, notes = what_is_kept("a", BMP, full)
    assert (kept.profile, kept.exif, kept.xmp) == (None, None, None) and len(notes) == 4


def test_iptc_and_converted_colours_are_said():
    info = PictureInfo(2, 2, 3, iptc=b"i", converted_from="CMYK")
    kept, notes = what_is_kept("a", JPEG, info)
    assert kept.iptc == b"i" and notes == ["CMYK became sRGB; its colour profile is not kept"]
    kept, notes = what_is_kept("a", PNG, info)
    assert kept.iptc is None and notes[0] == "PNG: the IPTC data is not kept"


def test_metadata_too_long_for_a_jpeg_segment_is_left_out_with_a_note():
    kept, notes = what_is_kept("a", JPEG, PictureInfo(2, 2, 3, exif=b"e" * 66_000, xmp=b"x" * 60_000))
    assert kept.exif is None and kept.xmp is not None and notes == ["JPEG: the EXIF data is not kept"]
