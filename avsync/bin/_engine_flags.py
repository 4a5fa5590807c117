"""Where files are prepared: by processes of this machine, on a Dask cluster, or on Apache Beam."""

import functools
import os
import shlex
from urllib.parse import urlsplit

from absl import flags

from avsync.bin.base import UsageError
from avsync.preparation.job import Engine
from avsync.preparation.worker import prepare_in_processes

ENGINE = flags.DEFINE_string(
    "engine",
    "local",
    "Where files are prepared: local, by --workers of this machine; dask://HOST:PORT, by the Dask "
    "cluster with this scheduler; beam, by Apache Beam with --beam_options.",
)
WORKERS = flags.DEFINE_integer("workers", os.cpu_count() or 1, "Number of worker processes.", 1)
BEAM = flags.DEFINE_string("beam_options", None, "For --engine=beam: '--runner=NAME ...'.")


def engine() -> Engine:
    """The engine that the flags state; UsageError if they are wrong or its package is missing."""
    if (ENGINE.value == "beam") != (BEAM.value is not None):
        raise UsageError("--engine=beam and --beam_options='--runner=NAME ...' need each other")
    if ENGINE.value == "local":
        return functools.partial(prepare_in_processes, num_workers=WORKERS.value)
    try:
        if ENGINE.value == "beam":
            from avsync.preparation.on_beam import prepare_on_beam

            return functools.partial(prepare_on_beam, options=shlex.split(BEAM.value or ""))
        address = _scheduler(ENGINE.value)
        from avsync.preparation.on_dask import prepare_on_dask

        return functools.partial(prepare_on_dask, address=address)
    except ImportError as error:
        reason = f"{error}: for --engine={name()}, pip install 'avsync[{name()}]'"
        raise UsageError(reason) from error


def name() -> str:
    """The engine without its address: "local", "dask" or "beam"."""
    return ENGINE.value.partition(":")[0]


def _scheduler(value: str) -> str:
    """The address of the Dask scheduler, "tcp://HOST:PORT"."""
    known = f"--engine={value}: expected local, dask://HOST:PORT or beam"
    try:
        parts = urlsplit(value)
        is_address = parts.scheme == "dask" and parts.hostname and parts.port
    except ValueError as error:  # not a port number
        raise UsageError(known) from error
    if not is_address or value != f"dask://{parts.netloc}":
        raise UsageError(known)
    return f"tcp://{parts.netloc}"
