"""EXIF, XMP, IPTC and colour profiles, made true again: upright, without a thumbnail of what the picture no longer is.

EXIF is changed in place, byte for byte, so that makers' notes with offsets of their own stay readable. What cannot
be understood is dropped, never passed on with an orientation that would be applied twice.
"""

from __future__ import annotations

import re

from pellucid.picture import tags
from pellucid.picture.tags import Directory, Layout, Read

ORIENTATION, EXIF_DIRECTORY, GPS_DIRECTORY = 0x0112, 0x8769, 0x8825
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003
_INTEROPERABILITY = 0xA005
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
_INCH = 2
_PREFIX = b"Exif\0\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC_KEPT = (0x0404, 0x040A, 0x040B, 0x0425)  # the records, whether rights are reserved, where they are told, digest
_SUBFILE_KIND = 254
_DESCRIPTIVE = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432)
"""What a TIFF's first directory says of the scene, not of its own pixels: description, maker, model, resolution, ..."""


def clean_exif(blob: bytes | None) -> bytes | None:
    """The same EXIF, orientation 1, without thumbnail; None for what is no EXIF."""
    if not blob:
        return None
    body = bytearray(blob.removeprefix(_PREFIX))
    try:
        layout, first = tags.read_header(_reader(body))
        directory, link_at, link = tags.read_directory(_reader(body), layout, first)
        orientation = directory.get(ORIENTATION)
        if orientation is not None:
            value = orientation.kind, layout.pack("H" if orientation.kind == tags.SHORT else "I", 1)
            if value[0] not in (tags.SHORT, tags.LONG):
                return None
            body[orientation.at : orientation.at + len(value[1])] = value[1]
        if link:
            body[link_at : link_at + 4] = bytes(4)
            if link >= _end(_reader(body), layout, first):
                del body[link:]
    except ValueError:
        return None
    return _PREFIX + bytes(body)


def clean_xmp(blob: bytes | None) -> bytes | None:
    """The same XMP, orientation 1, without thumbnails."""
    if not blob:
        return None
    blob = re.sub(rb"""(tiff:Orientation\s*=\s*["'])\d(["'])""", rb"\g<1>1\2", blob)
    blob = re.sub(rb"(<tiff:Orientation[^>]*>)\s*\d\s*(<)", rb"\g<1>1\2", blob)
    return re.sub(rb"<(xmp|xap):Thumbnails\b.*?</\1:Thumbnails>", b"", blob, flags=re.DOTALL)


def clean_iptc(blob: bytes | None) -> bytes | None:
    """Photoshop's segment with what it says of the scene and its rights, without thumbnails and layout."""
    if not blob or not blob.startswith(_PHOTOSHOP):
        return None
    at, kept = len(_PHOTOSHOP), b""
    while blob[at : at + 4] == b"8BIM":
        named = (1 + blob[at + 6] + 1) // 2 * 2 if len(blob) > at + 6 else 0
        head = at + 6 + named + 4
        if head > len(blob):
            break
        size = int.from_bytes(blob[head - 4 : head], "big")
        end = head + size + size % 2
        if int.from_bytes(blob[at + 4 : at + 6], "big") in _IPTC_KEPT and head + size <= len(blob):
            kept += blob[at:end].ljust(end - at, b"\0")
        at = end
    return _PHOTOSHOP + kept if kept else None


def fitting_profile(profile: bytes | None, channels: int) -> bytes | None:
    """The profile, if it is one for pictures of so many channels: another would be refused or misread later."""
    space = b"GRAY" if channels == 1 else b"RGB "
    return profile if profile and profile[16:20] == space and profile[36:40] == b"acsp" else None


def exif_directories(blob: bytes | None) -> tuple[Directory, Directory, Directory]:
    """The first, the EXIF and the GPS directory of cleaned EXIF; empty ones for none."""
    if not blob:
        return {}, {}, {}
    try:
        return _three(_reader(blob.removeprefix(_PREFIX)))
    except ValueError:
        return {}, {}, {}


def exif_of_tiff(read: Read) -> bytes | None:
    """What a TIFF file says of its scene, as EXIF; None if it says nothing."""
    try:
        first, exif, gps = _three(read)
    except ValueError:
        return None
    if not (first or exif or gps):
        return None
    layout, start = Layout("<"), 8
    for tag, directory in ((EXIF_DIRECTORY, exif), (GPS_DIRECTORY, gps)):
        if directory:
            first[tag] = tags.numbers(tags.LONG, 0)  # the true offset follows below, once the length is known
    behind = start + len(tags.pack_directory(first, layout, start))
    packed = b""
    for tag, directory in ((EXIF_DIRECTORY, exif), (GPS_DIRECTORY, gps)):
        if directory:
            first[tag] = tags.numbers(tags.LONG, behind + len(packed))
            packed += tags.pack_directory(directory, layout, behind + len(packed))
    return _PREFIX + b"II*\0" + layout.pack("I", start) + tags.pack_directory(first, layout, start) + packed


def resolution(across: float, down: float) -> Directory:
    """Pixels per millimetre as TIFF tells them, in thousandths per inch."""
    directory = {RESOLUTION_UNIT: tags.numbers(tags.SHORT, _INCH)}
    for tag, pixels in ((X_RESOLUTION, across), (Y_RESOLUTION, down)):
        words = tags.numbers(tags.LONG, min(2**32 - 1, round(25_400 * pixels)), 1000)
        directory[tag] = tags.Tag(tags.RATIONAL, 1, words.data)
    return directory


def pages_of_tiff(read: Read) -> int:
    """Pictures in a TIFF file, not counting thumbnails, pyramids' smaller levels and masks behind the first."""
    layout, at = tags.read_header(read)
    pages = 0
    seen: set[int] = set()
    while at and at not in seen and len(seen) < 100_000:
        seen.add(at)
        directory, _, at = tags.read_directory(read, layout, at)
        kind = directory.get(_SUBFILE_KIND)
        if not pages or kind is None or not kind.number & 0b101:
            pages += 1
    return pages


def _three(read: Read) -> tuple[Directory, Directory, Directory]:
    layout, first = tags.read_header(read)
    directory, _, _ = tags.read_directory(read, layout, first)
    inner = []
    for tag in (EXIF_DIRECTORY, GPS_DIRECTORY):
        found = directory.get(tag)
        inner.append(tags.read_directory(read, layout, found.number)[0] if found else {})
        inner[-1].pop(_INTEROPERABILITY, None)
    return {tag: directory[tag] for tag in _DESCRIPTIVE if tag in directory}, inner[0], inner[1]


def _end(read: Read, layout: Layout, first: int) -> int:
    """Where the last value of the directories, thumbnail aside, ends."""
    ends, waiting = [first], [first]
    while waiting:
        directory, link_at, _ = tags.read_directory(read, layout, waiting.pop())
        ends += [link_at + 4, *(value.at + len(value.data) for value in directory.values())]
        if len(ends) < 10_000:
            pointers = (EXIF_DIRECTORY, GPS_DIRECTORY, _INTEROPERABILITY)
            waiting += [directory[tag].number for tag in pointers if tag in directory]
    return max(ends)


def _reader(body: bytes | bytearray) -> Read:
    def read(at: int, size: int) -> bytes:
        if at + size > len(body):
            raise ValueError("EXIF ends early")
        return bytes(body[at : at + size])

    return read
