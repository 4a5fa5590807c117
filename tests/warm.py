"""Starts programs in forks of a process that has imported TensorFlow, JAX and others.

A fork is a process of its own with its own modules of avsync, flags, signals, standard streams and
exit; it lacks the imports of packages alone, 3 to 6 s of CPU in each of 150 programs of the tests.
Programs that are killed, and all that start others, are started cold by their tests.

The server ends with the process that started it, whose end of the pipe it reads.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

# The server's socket; where it is unset, programs are started cold.
SOCKET = "AVSYNC_TESTS_WARM"

# What the server has read from its environment once and for all: a program with other values of
# these is started cold.
READ_AT_IMPORT = ("JAX_", "TF_", "PYTHON", "LC_", "LANG", "MPL", "HF_")

# JAX sets it in the process of the tests.
SET_BY_PACKAGES = ("TF_CPP_MIN_LOG_LEVEL",)

# Also what avsync would import before these while jaxtyping's hook is active, see conftest.
HEAVY = ("tensorflow", "tensorflow_datasets", "flax.linen", "orbax.checkpoint", "optax")
HEAVY += ("librosa.filters", "sklearn.metrics", "matplotlib.figure")


def start_server(folder: Path, root: Path) -> subprocess.Popen[bytes]:
    """A server at the socket in `folder`; it ends when its stdin is closed."""
    with socket.socket(socket.AF_UNIX) as listening, (folder / "warm.log").open("wb") as log:
        listening.bind(str(folder / "warm"))
        listening.listen(100)
        number = listening.fileno()
        command = [sys.executable, "-m", "tests.warm", str(number)]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=log, pass_fds=[number], cwd=root
        )


class Program:
    """A program that the server has started; as `subprocess.Popen` with pipes, which it reads."""

    def __init__(
        self, module: str, arguments: list[str], *, cwd: Path, env: dict[str, str], session: bool
    ):
        request = {"module": module, "arguments": arguments, "cwd": str(cwd), "env": env}
        request["session"] = session
        self.args = [module, *arguments]
        self.returncode: int | None = None
        self._output = ("", "")
        with contextlib.ExitStack() as stack:
            self._streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(2)]
            self._connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            self._connection.connect(os.environ[SOCKET])
            socket.send_fds(self._connection, [b"+"], [file.fileno() for file in self._streams])
            self._connection.sendall(json.dumps(request).encode() + b"\n")
            self._answers = stack.enter_context(self._connection.makefile())
            self.pid = int(self._answers.readline() or -1)
            assert self.pid > 0, Path(os.environ[SOCKET] + ".log").read_text()
            self._stack = stack.pop_all()

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._answers.readline())
            with self._stack:
                self._output = (text_of(self._streams[0]), text_of(self._streams[1]))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        return self._output

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    module: str,
    arguments: list[str],
    *,
    cwd: Path,
    env: dict[str, str],
    session: bool = False,
) -> Program | subprocess.Popen[str]:
    """Starts `python -m module arguments`, as the leader of a new session if so asked."""
    if SOCKET in os.environ:
        return Program(module, arguments, cwd=cwd, env=env, session=session)
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=session,
    )


def run(
    module: str, arguments: list[str], *, cwd: Path, env: dict[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` returns for `python -m module arguments`."""
    program = start(module, arguments, cwd=cwd, env=env)
    try:
        output = program.communicate(timeout)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        raise
    assert program.returncode is not None
    return subprocess.CompletedProcess([module, *arguments], program.returncode, *output)


def text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def serve(listening: socket.socket) -> None:
    """Forks for each connection; in the fork that is to run the program, it returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    is_warm = False
    while True:
        ready, _, _ = select.select([sys.stdin, listening], [], [])
        if sys.stdin in ready:
            os._exit(0)
        connection, _ = listening.accept()
        if not is_warm:
            import_packages()
            is_warm = True
        if os.fork() == 0:
            listening.close()
            return watch(connection)
        connection.close()


def import_packages() -> None:
    """Imports `HEAVY`, without the flags that TensorFlow's use of absl defines."""
    from absl import flags, logging  # noqa: F401  as avsync.bin.base imports them

    own = set(flags.FLAGS)
    for package in HEAVY:
        importlib.import_module(package)
    for name in set(flags.FLAGS) - own:
        delattr(flags.FLAGS, name)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy all pages


def watch(connection: socket.socket) -> None:
    """Forks again; returns in the child, and sends the child's pid and status from the parent."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(connection, 1, 2)
    with connection.makefile() as lines:
        request = json.loads(lines.readline())
    if (pid := os.fork()) == 0:
        connection.close()
        become(request, streams)
        return
    for stream in streams:
        os.close(stream)
    connection.sendall(b"%d\n" % pid)
    _, status, _ = os.wait4(pid, 0)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(request: dict, streams: list[int]) -> None:
    """Gives this process the environment, folder, streams and arguments of the request."""
    null = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate([null, *streams]):
        os.dup2(stream, number)
        os.close(stream)
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    sys.argv = [request["module"], *request["arguments"]]
    if read_at_import(request["env"]) != INHERITED:
        command = [sys.executable, "-m", *sys.argv]
        os.execve(sys.executable, command, request["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in jobs in the background
    tempfile.tempdir = None  # as TMPDIR says now
    os.environ.clear()
    os.environ.update(request["env"])


def read_at_import(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in env.items()
        if name.startswith(READ_AT_IMPORT) and name not in SET_BY_PACKAGES
    }


if __name__ == "__main__":
    INHERITED = read_at_import(os.environ)
    # As in the binaries, see avsync/bin/base.py.
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_USE_LEGACY_KERAS="1")
    serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
