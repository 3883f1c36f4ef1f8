import pytest

from pellucid.errors import UsageError
from pellucid.picture.formats import (
    BMP,
    FORMATS,
    JPEG,
    PNG,
    TIFF,
    WEBP,
    format_of_content,
    format_to_write,
    is_picture_name,
)
from tests.picture.samples import smooth, vips_file


@pytest.mark.parametrize("format", [PNG, JPEG, TIFF, WEBP])
def test_content_tells_the_format(format):
    assert format_of_content(vips_file(smooth(5, 4, 3), format.suffixes[0])[:12]) is format


def test_what_is_no_picture_has_no_format():
    assert format_of_content(b"%PDF-1.4") is None
    assert format_of_content(b"RIFF\0\0\0\0WAVE") is None
    assert format_of_content(b"") is None


def test_every_suffix_is_a_pictures_name_in_either_case():
    for format in FORMATS:
        for suffix in format.suffixes:
            assert is_picture_name("a/b" + suffix) and is_picture_name("a/b" + suffix.upper())
    assert not is_picture_name("notes.txt") and not is_picture_name("png") and not is_picture_name("x.png.part")


def test_the_format_to_write_is_the_named_one_else_the_suffix():
    assert format_to_write("jpeg", "a.png") is JPEG
    assert format_to_write(".TIF", None) is TIFF
    assert format_to_write(None, "a.WebP") is WEBP
    assert format_to_write(None, "a.bmp") is BMP


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [(None, "a.gif", "'.gif'|.gif"), (None, "a", "no picture format is named"), ("heic", None, "heic")],
)
def test_formats_that_are_not_written_are_refused_and_the_known_ones_listed(name, target, words):
    with pytest.raises(UsageError, match=words) as error:
        format_to_write(name, target)
    assert "png, jpeg, tiff, webp, bmp" in str(error.value)


def test_a_depth_the_format_lacks_becomes_the_nearest_below():
    assert [PNG.stored_depth(d) for d in ("8", "16", "float")] == ["8", "16", "16"]
    assert [JPEG.stored_depth(d) for d in ("8", "16", "float")] == ["8", "8", "8"]
    assert [TIFF.stored_depth(d) for d in ("8", "16", "float")] == ["8", "16", "float"]
