"""The command line: a table of commands, one file each, imported when called.

`pellucid --help` and `--version` load nothing heavy. A command parses, calls one public function and prints; results
go to stdout, everything else to stderr. Every `PellucidError` becomes one line and an exit code: 2 for usage, 1 for
the rest; `--debug` before the command shows the traceback instead.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys

import click

from pellucid.cli.stopping import Interrupted
from pellucid.errors import PellucidError

COMMANDS: dict[str, str] = {
    "upscale": "Enlarge pictures by super-resolution.",
    "denoise": "Take the noise out of pictures, measured or named.",
    "evaluate": "Measure a model on a folder of pictures, with its protocol.",
    "classify": "Name what pictures show: handwritten digits, or what another model has learned.",
    "segment": "Give every pixel a class, laid over the picture in colours: streets by default.",
    "models": "List the models that ship.",
    "plan": "Show how the engine would run a model on a picture of a given size.",
    "machine": "Show what this computer can do: instruction sets, peaks, versions.",
    "createdb": "Make a crop database from photographs, for training.",
    "train": "Train a network by a recipe.",
    "snapshot": "Write the state of a training run as one file to go on from elsewhere.",
    "inspect": "Look inside a model: one page of graph, filters, activations, receptive fields.",
    "dream": "Change a picture so that a layer of a model sees more in it.",
    "style": "Paint one picture in the style of another.",
    "compare": "Compare two models on the same pictures, side by side.",
    "check": "Check the gradients of a network against finite differences.",
    "optimisers": "Let optimisers walk down landscapes of two dimensions.",
    "experiment": "Do a small experiment of the documents: what they say beside what is seen.",
    "networks": "List the networks that can be built, with their sums.",
    "prune": "Make a trained network smaller: fewer channels, then a little training.",
    "export": "Turn a training run into a model file.",
}
"""Name -> one line; `pellucid NAME` imports `pellucid.cli.NAME` and calls its `command`."""


class CommandTable(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return importlib.import_module(f"pellucid.cli.{name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pellucid", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def pellucid(debug: bool) -> None:
    """Convolutional networks for images, on the computer you have."""


def main(arguments: list[str] | None = None) -> None:
    """The entry point: runs one command and exits with its code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code."""
    try:
        result = pellucid.main(args=arguments, prog_name="pellucid", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted; nothing half-written was left", 130)
    except Interrupted as stop:
        with contextlib.suppress(OSError):  # the terminal may be what went away
            _say("interrupted; nothing half-written was left", stop.code)
        return stop.code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _say(_usage(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output went away: not our error, and not worth a line
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except PellucidError as error:
        if "--debug" in arguments:
            raise
        return _say(str(error), error.exit_code)
    except OSError as error:  # a full disk, as a rule; what is foreseen has words of its own
        if "--debug" in arguments:
            raise
        return _say(f"{error.filename or 'the system refused'}: {error.strerror or error}", 1)
    except MemoryError:
        return _say("not enough memory; hint: --memory names a ceiling to keep", 1)
    except ImportError as error:
        if "--debug" in arguments or not _is_extra(error.name):
            raise
        return _say(f"this command needs {error.name}; hint: pip install 'pellucid[learn]'", 1)


def _is_extra(module: str | None) -> bool:
    """Whether a missing module comes with an extra, so that its absence is the user's choice and no fault of ours."""
    return (module or "").partition(".")[0] in {"torch", "lightning_fabric", "tensorboardX", "yaml", "matplotlib"}


def _usage(error: click.ClickException) -> str:
    """What click found wrong, with the help that would have told."""
    context = getattr(error, "ctx", None)
    hint = f"; hint: {context.command_path} --help" if context is not None else ""
    return " ".join(error.format_message().split()).removesuffix(".") + hint


def _say(line: str, code: int) -> int:
    click.echo(f"pellucid: {line}", err=True)
    return code
