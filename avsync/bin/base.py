"""What every binary does around its work: flags in, exit status out, messages before tracebacks.

Exit status: 0 done; 1 could not do the job; 2 wrong usage; 75 told to end before it was done, and
goes on when run again (EX_TEMPFAIL of sysexits.h). A user's error is one message on stderr;
an error of ours keeps its traceback.
"""

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from absl import flags, logging

# TensorFlow reads it once, when it is first imported: without it every binary begins with a page
# about CUDA and oneDNN.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Keras is not used here. TensorFlow imports Keras 3 at once, and with it scikit-learn and
# matplotlib: a third of the seconds that a binary takes to start. Keras 2 it imports when asked.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

FAILED, WRONG_USAGE, PREEMPTED, INTERRUPTED = 1, 2, 75, 130

HELP = {"--help", "-help", "-h", "-?"}


class UsageError(ValueError):
    """The command line asks for what cannot be: an unknown name, a missing path or flag."""


def run_binary(main: Callable[[list[str]], None], *, positional: str = "") -> None:
    """Parses the command line, runs `main`, and ends the process with the status of the outcome.

    `main` gets the positional arguments, program name left out; they are an error unless
    `positional` names what they are ("VIDEO"). The docstring of its module is the text of --help.
    From `main`, a `UsageError` ends with 2, any other ValueError or OSError with 1, both with their
    message alone (`--verbosity=1` adds the traceback). Whatever else is raised is a defect of ours
    and keeps its traceback.
    """
    program = Path(sys.argv[0]).name
    if HELP.intersection(sys.argv[1:]):
        print(_help_text(main))
        sys.exit(0)
    try:
        arguments = flags.FLAGS(sys.argv)[1:]
        if arguments and not positional:
            raise UsageError(f"unexpected argument {arguments[0]!r}; options begin with --")
    # Values are parsed by whoever defined the flag, a config file by its own code: whatever they
    # refuse here was typed by the user.
    except (flags.Error, ValueError, OSError, AttributeError, KeyError) as error:
        end(f"{_message(error)}\n{program} --help shows an example.", WRONG_USAGE)
    logging.use_absl_handler()
    if not flags.FLAGS["verbosity"].present:  # TFDS warns of what its own code does
        logging.set_verbosity(logging.ERROR)
    try:
        main(arguments)
        _wait_for_others()
    except UsageError as error:
        end(f"{_message(error)}\n{program} --help shows an example.", WRONG_USAGE)
    except (ValueError, OSError) as error:
        end(_message(error), FAILED)
    except KeyboardInterrupt:
        end("interrupted", INTERRUPTED)


def existing(place: str, what: str) -> Path:
    """The path of a `what`; UsageError if nothing is there.

    It is asked before TensorFlow is imported: a mistyped path is told at once.
    """
    path = Path(place).expanduser()
    if not path.exists():
        raise UsageError(f"{path} is no {what}: nothing is there")
    return path


@contextlib.contextmanager
def suppress_stderr() -> Iterator[None]:
    """Drops what is written to stderr; for imports, which TensorFlow's C++ uses to talk.

    It does so before it reads any log level. Exceptions pass, and nothing else should happen here.
    """
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _wait_for_others() -> None:
    """Of several processes, all end together: the first may be at a report for minutes."""
    # Binaries that run no model have not imported JAX, and need not now.
    if (runtime := sys.modules.get("avsync.runtime")) is not None:
        runtime.wait_for_all()


def end(message: str, status: int) -> NoReturn:
    """Ends the process with this status, and one message on stderr."""
    if flags.FLAGS.is_parsed() and logging.vlog_is_on(1):
        logging.exception("the error below was raised here")
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(status)


def _message(error: BaseException) -> str:
    """What the user can act on: of an error wrapped in others, or in a traceback, the innermost."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    # A KeyError's own text would be the quoted key.
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    # ml_collections puts the traceback of a config file that fails into its message.
    return text.strip().splitlines()[-1] if "Traceback (most recent" in text else text


def _help_text(main: Callable[[list[str]], None]) -> str:
    module = sys.modules[main.__module__]
    options = []
    # By absl, the flags of a module that is run with `python -m` belong to the program's path.
    for flag in flags.FLAGS.get_key_flags_for_module(module):
        default = "" if flag.value is None else f" (default: {flag.value})"
        options.append(f"  --{flag.name}\n      {flag.help}{default}")
    return "\n\n".join([inspect.cleandoc(module.__doc__ or ""), "Options:", *options])
