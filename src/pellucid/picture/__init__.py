"""Picture files to rows and back: depth, colour profile, orientation, transparency, metadata.

    formats     the formats: names, suffixes, what each can hold; told apart by content
    depths      8 bit, 16 bit and float samples into each other
    kinds       PictureInfo and Picture
    tags        TIFF's directories, which are EXIF's too
    metadata    EXIF, XMP and colour profiles made true again after a change of size or orientation
    jpeg_tables how coarsely a JPEG file was rounded
    sources     paths, bytes and streams as one seekable file
    decode_vips, decode_bmp, decode_pnm     one file as rows, top to bottom
    orient      rows that must wait for the whole picture, on disk
    reader      open_reader, read
    keeping     what of a picture a format keeps, asked before work begins
    targets     a file that exists under its final name only when it is whole
    png_stream, encode_vips, encode_tiff, encode_bmp     rows as one file
    writer      open_writer, write

It knows files, not networks: it never scales, blends or chooses colours. libvips (imported when the first file is
opened) decodes and encodes; this package promises what arrives: grey stays grey, 16 bits stay 16, the picture stands
upright, transparency is a plane of its own that the colours have not been multiplied with.
"""

from pellucid.picture.depths import from_float, to_float
from pellucid.picture.formats import PICTURE_SUFFIXES, is_picture_name
from pellucid.picture.kinds import Picture, PictureInfo
from pellucid.picture.reader import DEFAULT_MAX_PIXELS, RowReader, open_reader, read
from pellucid.picture.writer import RowWriter, open_writer, write

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "PICTURE_SUFFIXES",
    "Picture",
    "PictureInfo",
    "RowReader",
    "RowWriter",
    "from_float",
    "is_picture_name",
    "open_reader",
    "open_writer",
    "read",
    "to_float",
    "write",
]
