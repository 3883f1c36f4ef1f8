"""What can go wrong, as one small tree, worded once, at the boundary.

    PellucidError                 anything this package reports on purpose          exit code 1
    ├── UsageError                a wrong option, name, recipe key or array         exit code 2
    ├── PictureError              a picture that cannot be read, held or written
    ├── ModelFileError            a model file that is damaged, foreign or too new
    ├── GraphError                an operation, shape or attribute the engine lacks
    ├── DatabaseError             a crop database or data set that is damaged, absent or not the one meant
    ├── TrainingError             a run that cannot start, go on or be resumed
    ├── NotFiniteError            NaN or infinity where numbers were expected
    └── ResourceError             memory, disk or a ceiling that does not suffice

A message is one line: what was wrong, the value seen, what was expected, what to do next. The command line prints
that line and nothing else; a traceback needs `--debug`.
"""


class PellucidError(Exception):
    """The root. `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, what: str, *, seen: object = None, expected: object = None, hint: str | None = None) -> None:
        self.what, self.seen, self.expected, self.hint = what, seen, expected, hint
        super().__init__(self._line())

    def _line(self) -> str:
        parts = [self.what]
        if self.seen is not None:
            parts.append(f"seen: {self.seen}")
        if self.expected is not None:
            parts.append(f"expected: {self.expected}")
        if self.hint is not None:
            parts.append(f"hint: {self.hint}")
        return " ".join("; ".join(parts).split())


class UsageError(PellucidError):
    """The caller asked for something that cannot be meant: a wrong option, name, recipe key or array."""

    exit_code = 2


class PictureError(PellucidError):
    """A picture that cannot be read, held in memory or written."""


class ModelFileError(PellucidError):
    """A model file that is damaged, foreign or newer than this program."""


class GraphError(PellucidError):
    """An operation, shape or attribute that the engine does not have."""


class DatabaseError(PellucidError):
    """A crop database or data set that is damaged, absent or not the one meant."""


class TrainingError(PellucidError):
    """A training run that cannot start, go on or be resumed."""


class NotFiniteError(PellucidError):
    """NaN or infinity where numbers were expected."""


class ResourceError(PellucidError):
    """Memory, disk space or a ceiling that does not suffice; where a higher ceiling would, `least_bytes` is that."""

    least_bytes: int | None = None


def unknown_name(kind: str, seen: str, known: "list[str] | tuple[str, ...]") -> UsageError:
    """The error for a name that is not in a registry: it lists the known ones and names the nearest."""
    import difflib

    near = difflib.get_close_matches(seen, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else None
    expected = "one of " + ", ".join(sorted(set(known))) if known else f"a {kind}, of which there is none yet"
    return UsageError(f"unknown {kind} {seen!r}", expected=expected, hint=hint)
