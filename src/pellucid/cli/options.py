"""Options that several commands share, each worded once, and the values they take."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pellucid.tasks.rows import Options

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


class Bytes(click.ParamType):
    """A number of bytes: 300M, 1.5G, 512Mi."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?i?)B?", str(value), re.IGNORECASE)
        number = int(float(match[1]) * UNITS[match[2].upper()]) if match else 0
        if not number:
            self.fail(f"{value!r} is no number of bytes; expected for example 300M, 1.5G or 512Mi", param, ctx)
        return number


class Size(click.ParamType):
    """A picture's size, width first: 1920x1080; as (height, width)."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d+)[xX\u00d7](\d+)", str(value))
        if not match or not int(match[1]) or not int(match[2]):
            self.fail(f"{value!r} is no size; expected width x height, for example 1920x1080", param, ctx)
        return int(match[2]), int(match[1])


precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    default="auto",
    show_default=True,
    help="How to compute; auto takes bf16 only where it is faster and the model's card shows that it costs nothing.",
)
threads_option = click.option("--threads", type=click.IntRange(min=1), help="Threads; all cores by default.")
memory_option = click.option(
    "--memory", type=Bytes(), help="A ceiling for the engine's memory, such as 300M; kept, or refused at once."
)


@dataclass(frozen=True)
class Asked:
    """What every command takes that makes pictures from pictures, by the names of its options."""

    sources: tuple[str, ...]
    output: str
    picture_format: str | None
    quality: int | None
    overwrite: bool
    jobs: int
    report: str | None
    max_pixels: int
    precision: str
    threads: int | None
    memory: int | None

    def options(self) -> Options:
        """How each file is worked on."""
        from pellucid.tasks.rows import Options

        return Options(
            self.precision,
            self.threads,
            self.memory,
            self.max_pixels,
            self.picture_format,
            self.quality,
            self.overwrite,
            self.jobs,
        )


def pictures_in_and_out(command: F) -> F:
    """IN... and OUT: the first of a command's options; `batch_options` are its last."""
    sources = click.argument("sources", nargs=-1, required=True, metavar="IN...")
    help = "A picture file, a folder, or - for standard output."
    return sources(click.option("-o", "--output", required=True, metavar="OUT", help=help)(command))


def batch_options(command: Callable[..., int]) -> Callable[..., int]:
    """The rest of what such commands take; all of it reaches the command as one `Asked`."""
    from pellucid.picture import DEFAULT_MAX_PIXELS

    @functools.wraps(command)
    def gathered(**values: Any) -> int:
        return command(Asked(**{f.name: values.pop(f.name) for f in fields(Asked)}), **values)

    for option in reversed(
        [
            click.option("--format", "picture_format", metavar="NAME", help="png, jpeg, tiff or webp; else by name."),
            click.option("--quality", type=click.IntRange(1, 100), help="For JPEG and WebP; 95 unless said."),
            click.option("--overwrite", is_flag=True, help="Make pictures that exist already anew."),
            click.option(
                "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Pictures at a time."
            ),
            click.option("--report", metavar="FILE", help="Write as JSON what was done, skipped or failed, by name."),
            click.option(
                "--max-pixels",
                type=click.IntRange(min=1),
                default=DEFAULT_MAX_PIXELS,
                show_default=True,
                help="Refuse larger pictures: a guard against files that lie.",
            ),
            precision_option,
            threads_option,
            click.option(
                "--memory",
                type=Bytes(),
                help="A ceiling for what the networks of all --jobs keep of pictures on their way, such as 300M; kept, "
                "or refused at once. Program, files and finished rows take 100 to 200 MB besides, more with --jobs.",
            ),
        ]
    ):
        gathered = option(gathered)
    return gathered
