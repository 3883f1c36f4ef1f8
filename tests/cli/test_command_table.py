"""The command line: its table, its errors as one line with an exit code, and what `--help` does not load."""

import importlib
import subprocess
import sys

import click
import pytest

from pellucid import cli, errors


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_name_in_the_table_is_a_command_with_help(name):
    command = importlib.import_module(f"pellucid.cli.{name}").command
    assert isinstance(command, click.Command) and command.help
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.hidden or parameter.help, parameter.name


def test_help_lists_the_table_and_loads_nothing_heavy():
    program = (
        "import sys; from pellucid import cli\n"
        "code = cli.run(['--help'])\n"
        "heavy = {'numpy', 'torch', 'pyvips', 'rich', 'safetensors'} & set(sys.modules)\n"
        "sys.exit(code or (f'loaded {heavy}' if heavy else 0))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert all(f"  {name} " in result.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("a wrong option", seen=3, expected="1 or 2"), 2),
        (errors.ModelFileError("a damaged file", hint="fetch it again"), 1),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (click.UsageError("no such option"), 2),
    ],
)
def test_errors_are_one_line_and_a_code(monkeypatch, capsys, error, code):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(cli.pellucid, "main", fail)
    assert cli.run(["models"]) == code
    captured = capsys.readouterr()
    assert not captured.out and "Traceback" not in captured.err
    assert captured.err.count("\n") == 1
    if isinstance(error, errors.PellucidError):
        assert captured.err == f"pellucid: {error}\n"


def test_debug_shows_the_traceback(monkeypatch):
    def fail(*args, **kwargs):
        raise errors.UsageError("wrong")

    monkeypatch.setattr(cli.pellucid, "main", fail)
    with pytest.raises(errors.UsageError):
        cli.run(["--debug", "models"])


def test_an_unknown_command_names_itself(capsys):
    assert cli.run(["upscal"]) == 2
    assert "upscal" in capsys.readouterr().err


def test_an_error_message_is_one_line_with_all_its_parts():
    error = errors.PellucidError("what\nwas wrong", seen="3", expected="2", hint="try 2")
    assert str(error) == "what was wrong; seen: 3; expected: 2; hint: try 2"
    assert str(errors.unknown_name("model", "sr3", ["sr2", "sr33"])).startswith("unknown model 'sr3'; expected: one of")
