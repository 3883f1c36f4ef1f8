"""What the runners of cases and of training are told alike. What cannot be is refused in one line, before anything is
measured: an hour of measuring must not end at a folder that is not there."""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from pellucid import _engine
from pellucid.errors import PellucidError, UsageError, unknown_name
from pellucid.whole_numbers import MOST_THREADS, whole_number

RECORDS = Path(__file__).parent / "record"

PACKAGES = {"onnxruntime": "onnxruntime", "openvino": "openvino", "openvino-bf16": "openvino"}
"""Of the peers that the extra `bench` brings."""


class Parser(argparse.ArgumentParser):
    """Refuses in one line, where argparse would print the usage as well."""

    def __init__(self, description: str | None, *, peers: Sequence[str], chosen: str, rounds: int) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(description=description, formatter_class=raw, allow_abbrev=False)
        self.add_argument("cases", nargs="*", metavar="CASE", help="names that --list prints; none: the default ones")
        self.add_argument("--list", action="store_true", help="print the cases and end")
        self.add_argument("--peers", default=chosen, help=f"of {', '.join(peers)}; default: %(default)s")
        self.add_argument("--threads", type=_number("threads", MOST_THREADS), default=os.cpu_count())
        self.add_argument("--rounds", type=_number("rounds", 10**6), default=rounds, help="default: %(default)s")
        self.add_argument("--memory", action="store_true", help="measure peak memory too, in fresh processes")
        self.add_argument("--memory-of", nargs="+", help=argparse.SUPPRESS)  # what a fresh process is told
        self.add_argument("--json", metavar="FILE")
        self.add_argument("--record", metavar="NAME", help="write benchmarks/record/DATE-NAME.json")

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help")


def in_one_line(main: Callable[[list[str]], None], words: list[str]) -> int:
    """The exit code of a runner, which says in one line what it refuses, as pellucid's own commands do."""
    try:
        main(words)
    except PellucidError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def known_names(kind: str, names: Iterable[str], known: Sequence[str]) -> list[str]:
    """The names, each once."""
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, list(known))
    return list(dict.fromkeys(names))


def known_peers(text: str, known: Sequence[str]) -> list[str]:
    return known_names("peer", [name.strip() for name in text.split(",") if name.strip()], known)


def expect_installed(peers: Iterable[str]) -> None:
    for peer in peers:
        package, leave_out = PACKAGES.get(peer), "or leave it out of --peers"
        if package and importlib.util.find_spec(package) is None:
            seen, hint = f"no package {package}", f"`make bench` installs it, or pip install -e '.[bench]'; {leave_out}"
            raise UsageError(f"the peer {peer!r} is not installed", seen=seen, expected="the extra bench", hint=hint)
        compiler = os.environ.get("CXX", "g++")
        if peer == "torch-compile" and not shutil.which(compiler):
            expected, hint = "a C++ compiler", f"install one, or name it in CXX; {leave_out}"
            raise UsageError(f"the peer {peer!r} compiles", seen=f"no {compiler}", expected=expected, hint=hint)


def expect_isa(isa: str | None) -> None:
    known = [*_engine.isas(), "amx-emulated"]
    if isa is not None and isa not in known:
        expected, hint = "one of " + ", ".join(known), "without --isa it is the best one"
        raise UsageError("the instruction set of --isa is not available here", seen=isa, expected=expected, hint=hint)


def record_files(options: argparse.Namespace) -> list[Path]:
    """Where the record goes."""
    files = [Path(options.json)] if options.json else []
    if options.record:
        files.append(RECORDS / f"{datetime.date.today().isoformat()}-{options.record}.json")
    for file in files:
        if file.is_dir() or not os.access(file.parent, os.W_OK):
            expected, hint = "a file in a folder that is there and may be written to", f"mkdir -p {file.parent}"
            hint = "name a file in it" if file.is_dir() else hint
            raise UsageError("no record can be written there", seen=file, expected=expected, hint=hint)
    return files


def write_record(record: dict, files: Iterable[Path]) -> None:
    for file in files:
        file.write_text(json.dumps(record, indent=1) + "\n")
        print(f"record: {file}", file=sys.stderr)


def _number(of: str, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value: object = int(text)
        except ValueError:
            value = text
        return whole_number(f"number of {of}", value, 1, most, hint=f"--{of} N")

    return number
