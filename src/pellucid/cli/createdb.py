"""`pellucid createdb`: photographs become a crop database; `--show` and `--check` look into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import TaskID

    from pellucid.learn.data.create_database import Outcome


@click.command()
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to: crops.db; with --show, sheet.png.")
@click.option("--crop", default=96, show_default=True, help="Height and width of a crop.")
@click.option("--count", default=200_000, show_default=True, help="Crops in all; 200,000 of 96 x 96 take 5.5 GB.")
@click.option("--shrink", default=1, show_default=True, help="Scale pictures down by this whole number first.")
@click.option("--val", default=0.05, show_default=True, help="Share of the pictures kept for validation.")
@click.option("--seed", default=7, show_default=True, help="Another seed draws other crops.")
@click.option(
    "--min-detail",
    default=0.0,
    show_default=True,
    help="Refuse crops whose neighbouring pixels differ by less than this many grey levels on average; 2 is mild.",
)
@click.option("--jobs", type=int, help="Processes; one per processor unless given. The result is the same.")
@click.option("--show", type=click.Path(path_type=Path), metavar="DB", help="Write a contact sheet of a database.")
@click.option("--check", type=click.Path(path_type=Path), metavar="DB", help="Compare every crop with its checksum.")
def command(
    photos: tuple[Path, ...],
    output: Path | None,
    crop: int,
    count: int,
    shrink: int,
    val: float,
    seed: int,
    min_detail: float,
    jobs: int | None,
    show: Path | None,
    check: Path | None,
) -> int | None:
    """Cut shuffled crops from PHOTOS, files or folders, into one database for training.

    Interrupted, the same command goes on. Pictures that cannot be used are listed at the end and left out; only when
    none is left does the command fail. Training and validation never share a picture.
    """
    if show is not None or check is not None:
        if photos or (show is not None and check is not None):
            raise click.UsageError("--show and --check each stand alone, without PHOTOS")
        if show is not None:
            _show(show, output or Path("sheet.png"))
        elif check is not None:
            _check(check)
        return None
    if not photos:
        raise click.UsageError("no PHOTOS were named: files or folders of pictures")
    from pellucid.learn.data.create_database import create_database
    from pellucid.learn.data.database_plan import DatabaseOptions

    options = DatabaseOptions(crop=crop, count=count, shrink=shrink, val=val, seed=seed, min_detail=min_detail)
    with _Bar() as bar:
        try:
            made = create_database(photos, output or Path("crops.db"), options, jobs=jobs, progress=bar.advance)
        except KeyboardInterrupt:
            bar.stop()
            click.echo("pellucid: interrupted; the same command goes on from here", err=True)
            return 130
    _report(made)
    return None


def _report(made: Outcome) -> None:
    skipped = made.skipped
    for name, reason in skipped:
        click.echo(f"left out: {name}: {reason}", err=True)
    if skipped:
        click.echo(f"{len(skipped)} of {len(skipped) + len(made.header['pictures'])} pictures were left out", err=True)
    header = made.header
    what = "was finished before" if made.was_finished else "is finished"
    crop, pictures = header["crop"], len(header["pictures"])
    parts = f"{header['train']} crops for training, {header['val']} for validation"
    click.echo(f"{made.path} {what}: {parts}, {crop} x {crop}, from {pictures} pictures")


def _show(path: Path, output: Path) -> None:
    from pellucid import picture
    from pellucid.learn.data.contact_sheet import contact_sheet
    from pellucid.learn.data.database import open_database

    sheet = contact_sheet(open_database(path))
    picture.write(output, picture.Picture(sheet))
    click.echo(f"{output}: {sheet.shape[1]} x {sheet.shape[0]}, training above, validation below")


def _check(path: Path) -> None:
    from pellucid.learn.data.database import open_database

    database = open_database(path)
    count, done = len(database.index), 0
    with _Bar() as bar:

        def advanced(crops: int) -> None:
            nonlocal done
            done += crops
            bar.advance("checking crops", done, count)

        database.verify(advanced)
    click.echo(f"{path}: {count} crops, all as their checksums say; fingerprint {database.fingerprint}")


class _Bar:
    """One bar per stage on standard error, with rate and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, tuple[TaskID, int]] = {}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._tasks:
            self._bar.stop()

    def advance(self, stage: str, done: int, total: int) -> None:
        self._bar.start()  # not before there is something to show: what is refused at once is one line
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total, rate=""), done
        task, start = self._tasks[stage]
        elapsed = self._bar.tasks[task].elapsed or 0
        rate = f"{(done - start) / elapsed:,.0f}/s" if elapsed > 0.5 else ""
        self._bar.update(task, completed=done, rate=rate)
