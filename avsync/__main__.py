"""The umbrella command: `avsync NAME …` runs `avsync-NAME …`, for each binary of avsync.bin.

Only the command that runs is imported: `avsync --help` and `avsync --version` answer at once.
"""

import ast
import importlib.util
import signal
import sys

from avsync import __version__, lookup
from avsync.names import shown_text

# As in avsync.bin.base, whose absl flags would take most of the start-up time here.
WRONG_USAGE = 2

USAGE = """\
Audio-visual deepfake detection by alignment, trained on real videos only.

    avsync COMMAND [OPTIONS]

Commands (`avsync COMMAND --help` shows an example and the options; avsync-COMMAND is the same):

{commands}

Options:
  --help      Print this text.
  --version   Print the version.
"""


def run() -> None:
    """Run the command that the first argument names; the console script `avsync`.

    Exit status: that of the command; 0 for --help and --version; 2 for an unknown command.
    """
    match sys.argv[1:]:
        case ["--help" | "-help" | "-h" | "-?" | "help", *_]:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # for `avsync --help | head`
            print(usage(), end="")
        case ["--version", *_]:
            print(f"avsync {__version__}")
        case [command, *arguments]:
            _run_command(command, arguments)
        case _:
            print(usage(), end="", file=sys.stderr)
            sys.exit(WRONG_USAGE)


def usage() -> str:
    """Return the text of --help: each command with the first line of its docstring."""
    names = lookup.names("bin")
    width = max(map(len, names))
    return USAGE.format(
        commands="\n".join(f"  {name:<{width}}  {_first_docstring_line(name)}" for name in names)
    )


def _run_command(command: str, arguments: list[str]) -> None:
    try:
        lookup.require("command", command, lookup.names("bin"))
    except ValueError as error:
        print(
            f"avsync: {shown_text(str(error))}\navsync --help lists the commands.", file=sys.stderr
        )
        sys.exit(WRONG_USAGE)
    # Messages of the command begin with its program name.
    sys.argv = [f"avsync-{command}", *arguments]
    lookup.load("bin", command).run()


def _first_docstring_line(command: str) -> str:
    # Read, not imported: two commands define flags of the same name, and cannot share a process.
    spec = importlib.util.find_spec(f"avsync.bin.{command}")
    assert spec is not None and spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        docstring = ast.get_docstring(ast.parse(file.read()))
    return (docstring or "").partition("\n")[0]


if __name__ == "__main__":
    run()
