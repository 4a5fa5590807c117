"""Shared by all binaries: parsing of flags, --help, error messages and exit status.

Exit status: 0 done; 1 could not do the job; 2 wrong usage; 3 the A/V offset of a file exceeds the
tolerance that was asked for; 75 preempted: run the same command again
to resume (EX_TEMPFAIL of sysexits.h); 128 + n ended by signal n. A user error is one message on
stderr, without a traceback; a defect of avsync keeps its traceback.
"""

import importlib.util
import inspect
import io
import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn, TextIO

from absl import flags, logging

from avsync import __version__, hub
from avsync.bin._addresses import require_local
from avsync.names import shown_text
from avsync.quiet import suppress_stderr as suppress_stderr  # for the import of TensorFlow

# TensorFlow reads this once, when it is first imported. Without it, every binary begins with a page
# of messages about CUDA and oneDNN.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# avsync does not use Keras. TensorFlow imports Keras 3 at once, and with it scikit-learn and
# matplotlib, which is a third of the start-up time of a binary; it imports Keras 2 only on demand.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

PACKAGE = Path(__file__).resolve().parent.parent

FAILED, WRONG_USAGE, OUT_OF_TOLERANCE, PREEMPTED = 1, 2, 3, 75

# A process that a signal ended has this status plus the number of the signal, as in a shell.
SIGNALLED = 128

HELP = {"--help", "-help", "-h", "-?"}

HELP_COLUMNS = 100


class UsageError(ValueError):
    """The command line is wrong: an unknown name, a missing path or flag."""


class _Signalled(KeyboardInterrupt):
    """The process got SIGTERM or SIGHUP; raised so that it cleans up as after Ctrl-C."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def run_binary(
    main: Callable[[list[str]], None], *, positional: str = "", read: Collection[str] = ()
) -> None:
    """Parses the command line, runs `main`, and ends the process with the exit status.

    `main` gets the positional arguments without the program name; they are an error unless
    `positional` names them ("VIDEO"). The options `read` may be addresses of object stores, see
    `_addresses`. The docstring of its module is the text of --help.
    A `UsageError` from `main` ends with 2, any other ValueError or OSError with 1, both with their
    message alone (`--verbosity=1` adds the traceback). Any other exception is a defect of avsync
    and keeps its traceback; a missing TensorFlow, which scoring does without, is wrong usage.
    """
    program = Path(sys.argv[0]).name
    # In a locale without UTF-8, a letter that it lacks is printed as an escape, as on stderr.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if HELP.intersection(sys.argv[1:]):
        _print_and_exit(_help_text(main))
    if "--version" in sys.argv[1:]:
        _print_and_exit(f"avsync {__version__}")
    try:
        arguments = flags.FLAGS(sys.argv)[1:]
        if arguments and not positional:
            raise UsageError(f"unexpected argument {arguments[0]!r}; options begin with --")
        require_local(flags.FLAGS.flag_values_dict(), arguments, read=read)
    except (flags.Error, ValueError) as error:
        _end_wrong_usage(error, program)
    logging.use_absl_handler()
    if not flags.FLAGS["verbosity"].present:  # TFDS warns about its own code
        logging.set_verbosity(logging.ERROR)
    _raise_on_signals()
    try:
        main(arguments)
        _wait_for_others()
        if sys.stdout is not None:  # None if it was closed beforehand
            sys.stdout.flush()
    except UsageError as error:
        if isinstance(error.__cause__, ConnectionError):  # the same command may work later
            end(str(error), FAILED)
        _end_wrong_usage(error, program)
    except BrokenPipeError:
        # Python would complain when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        end("not all was printed: stdout was closed", SIGNALLED + signal.SIGPIPE)
    except (ValueError, OSError) as error:
        end(_reason(error), FAILED)
    except ImportError as error:
        if error.name != "tensorflow" or importlib.util.find_spec("tensorflow"):
            raise
        end("this command needs TensorFlow: pip install 'avsync[train]'", WRONG_USAGE)
    except _Signalled as error:
        end(f"ended by {signal.Signals(error.number).name}", SIGNALLED + error.number)
    except KeyboardInterrupt:
        end("interrupted", SIGNALLED + signal.SIGINT)


def _raise_on_signals() -> None:
    def on_signal(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once: the first one begins the cleaning up
        raise _Signalled(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, on_signal)


def existing(place: str, what: str) -> Path:
    """The path of `place`, a `what` ("checkpoint"); UsageError if it does not exist.

    An address on the Hugging Face Hub (hf://OWNER/NAME) becomes the path of its local copy, see
    `avsync.hub`. Binaries call this before they import TensorFlow, so that a mistyped path is
    reported at once.
    """
    try:
        path = hub.locate(place)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not path.exists():
        raise UsageError(f"{what} not found: {path}")
    return path


def local(place: str, what: str) -> Path:
    """The path of `place`, see `existing`, to write to.

    UsageError for an address on the Hub and for a place in the installed package, such as the
    shipped scorer: what is kept there would change the results of every user of the installation.
    """
    if hub.is_address(place) or Path(place).expanduser().resolve().is_relative_to(PACKAGE):
        raise UsageError(
            f"{place} cannot be changed: make a local copy with avsync-export --checkpoint={place} "
            f"--out=DIR, and give that as the {what}"
        )
    return existing(place, what)


def _print_and_exit(text: str) -> NoReturn:
    """Prints a text of avsync's own; without a word if its reader (head, less) closes the pipe."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print(text, flush=True)
    sys.exit(0)


def say(line: str, *, file: TextIO | None = None) -> None:
    """Prints a line that may hold names, to stdout if no file is given."""
    print(shown_text(line), file=file)


def end(message: str, status: int, *, hint: str = "") -> NoReturn:
    """Ends the process with this exit status and one message on stderr, and a line of `hint`."""
    if flags.FLAGS.is_parsed() and logging.vlog_is_on(1):
        logging.exception("the error below was raised here")
    # The lines of a message are indented: no name in it may look like a message of its own.
    lines = shown_text(f"{Path(sys.argv[0]).name}: {message}").replace("\n", "\n  ")
    try:
        print(lines, *filter(None, [hint]), sep="\n", file=sys.stderr, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(status)


def _end_wrong_usage(error: Exception, program: str) -> NoReturn:
    end(_usage(error), WRONG_USAGE, hint=f"{program} --help shows an example.")


def _usage(error: Exception) -> str:
    """The message of `error`; absl's own messages in the words and on the one line of avsync's."""
    text = str(error)
    if isinstance(error, flags.UnrecognizedFlagError):
        near = re.search(r"Did you mean: (.*) \?", text)
        hint = f"; did you mean --{near[1].replace(', ', ' or --')}?" if near else ""
        return f"unknown option: --{error.flagname}{hint}"
    missing = re.findall(r"flag --(.*)=None: Flag --\1 must have a value other than None", text)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        *first, last = (f"--{name}" for name in missing)
        return " and ".join([", ".join(first), last] if first else [last]) + f" {verb} required"
    return text


def _reason(error: Exception) -> str:
    """The message of `error`; "PATH: REASON" instead of "[Errno 17] REASON: 'PATH'"."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return f"{name}: {error.strerror}"
    return str(error)


def _wait_for_others() -> None:
    """Waits until all processes of a job are done: the first may write a report for minutes."""
    # A binary that runs no model has not imported JAX, and need not do so now.
    if (runtime := sys.modules.get("avsync.runtime")) is not None:
        runtime.wait_for_all()


def _help_text(main: Callable[[list[str]], None]) -> str:
    module = sys.modules[main.__module__]
    options = []
    # absl assigns the flags of a module that runs by `python -m` to the path of the program.
    for flag in flags.FLAGS.get_key_flags_for_module(module):
        value = ",".join(flag.value) if isinstance(flag.value, list) else flag.value
        is_off = value is None or value is False or value == ""
        default = "" if is_off else f" (default: {value})"
        # absl's own words for a flag that may be repeated are on a line of their own.
        text = re.sub(r"\.?;\s+repeat this option .*", ". Can be repeated.", flag.help or "")
        options.append(f"  --{flag.name}\n{_wrapped(f'{text}{default}')}")
    return "\n\n".join([inspect.cleandoc(module.__doc__ or ""), "Options:", *options])


def _wrapped(text: str) -> str:
    """`text`, indented, each of its lines wrapped; the items of an indented list hang."""
    lines = []
    for line in text.splitlines():
        item = line.lstrip()
        indent = " " * (6 + len(line) - len(item))
        lines += textwrap.wrap(
            item,
            HELP_COLUMNS,
            initial_indent=indent,
            subsequent_indent=indent if item == line else f"{indent}    ",
            break_on_hyphens=False,
        )
    return "\n".join(lines)
