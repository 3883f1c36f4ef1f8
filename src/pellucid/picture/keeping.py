"""What of a picture a format keeps: asked before work begins. Refusals here, notes for what is merely lost."""

from __future__ import annotations

from dataclasses import replace

from pellucid.errors import PictureError
from pellucid.picture.formats import BMP, JPEG, WEBP, Format
from pellucid.picture.kinds import PictureInfo

_JPEG_SEGMENT = 65_533 - 64  # bytes of EXIF or XMP that one JPEG segment holds, less its own heading


def what_is_kept(name: str, format: Format, info: PictureInfo) -> tuple[PictureInfo, list[str]]:
    """`info` as the format keeps it, with a note for each thing it does not; PictureError where it can't at all."""
    _refuse(name, format, info)
    kept = replace(
        info,
        depth=format.stored_depth(info.depth),
        orientation_was=1,
        format=format.name,
        pages=1,
        jpeg_quality=None,
        converted_from=None,
    )
    notes = []
    if kept.depth != info.depth:
        was = "float" if info.depth == "float" else f"{info.depth}-bit"
        notes.append(f"{format.name}: {was} samples are rounded to {kept.depth} bits")
    if format is WEBP and info.channels == 1:
        notes.append("WebP: grey is kept as RGB")
    if info.profile and (format is BMP or (format is WEBP and info.channels == 1)):
        kept = replace(kept, profile=None)
        notes.append(f"{format.name}: the colour profile is not kept")
    if _lost(info.exif, format):
        kept = replace(kept, exif=None)
        notes.append(f"{format.name}: the EXIF data is not kept")
    if _lost(info.xmp, format):
        kept = replace(kept, xmp=None)
        notes.append(f"{format.name}: the XMP data is not kept")
    if info.iptc and (format is not JPEG or len(info.iptc) > _JPEG_SEGMENT):
        kept = replace(kept, iptc=None)
        notes.append(f"{format.name}: the IPTC data is not kept")
    if info.converted_from:
        notes.append(f"{info.converted_from} became sRGB; its colour profile is not kept")
    return kept, notes


def _lost(metadata: bytes | None, format: Format) -> bool:
    return bool(metadata) and (format is BMP or (format is JPEG and len(metadata or b"") > _JPEG_SEGMENT))


def _refuse(name: str, format: Format, info: PictureInfo) -> None:
    if max(info.height, info.width) > format.max_side:
        raise PictureError(
            f"{name}: {format.name} can't hold so large a picture",
            seen=f"{info.width} x {info.height}",
            expected=f"sides up to {format.max_side}",
            hint="write TIFF or PNG",
        )
    if info.has_alpha and not format.alpha:
        hint = "write PNG, TIFF or WebP, or leave the transparency out"
        raise PictureError(f"{name}: {format.name} can't hold transparency", hint=hint)
