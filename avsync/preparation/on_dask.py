"""Preparation on a Dask cluster: the same worker processes, on the machines of its workers.

Each thread of a Dask worker has one worker process with limits. It stores clips in the directory of
the job, which all machines mount at the same path; the outcomes return to this process, which
journals them as if its own worker processes had prepared the files.
"""

import functools
import itertools
import logging
import platform
import socket
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import numpy as np
from distributed import Client, Future, as_completed  # an extra of its own
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from avsync import __version__
from avsync.media.rejects import Reject
from avsync.preparation import job
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.on_cluster import WorkerPool, require_absolute
from avsync.preparation.worker import Outcome, Task
from avsync.processes import JobError
from avsync.types import MediaFile

CONNECT_SECONDS = 15.0

# More than a cluster has threads, so that none waits. A million at once would take the scheduler
# gigabytes.
NUM_SUBMITTED = 10_000

INSTALL = "install the same versions on all machines (launch/setup.sh does)"

_pool = WorkerPool()


class Place(NamedTuple):
    """A machine and its versions of what decides on the bytes of a clip and on how Dask talks."""

    host: str
    versions: dict[str, str]


def prepare_on_dask(
    pending: Sequence[MediaFile], task: Task, *, journals: Path, address: str
) -> Iterator[Entry]:
    """Stores the clip of each file; yields the outcomes as they come, and journals them.

    `address` is that of the scheduler, "tcp://HOST:PORT". A Dask worker that dies costs no file,
    because Dask gives its files to others; a file during which several Dask workers died is
    rejected as crashed. Raises ValueError as `prepare_in_processes`, and if a path is relative, the
    scheduler is not reached or is lost, a machine has other versions, or does not see a file.
    """
    require_absolute(pending, task, journals=journals, engine="Dask")
    with _connect(address) as client, Journal(journals) as journal:
        for outcome in _outcomes(iter(pending), task, client):
            yield journal.write(outcome.media, outcome.reject, num_frames=outcome.num_frames)


def _connect(address: str) -> Client:
    # What it logs are tracebacks of connections; what matters of them is raised here.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table of versions; those that matter are compared
            client = Client(address, timeout=CONNECT_SECONDS)
        found = cast(dict[str, Any], client.get_versions())
    except OSError as error:
        raise ValueError(
            f"no Dask scheduler answers at {address}: start one with `dask scheduler`, and workers "
            f"with `dask worker {address}`"
        ) from error
    theirs, ours = found["scheduler"]["packages"]["distributed"], metadata.version("distributed")
    if theirs != ours:
        client.close()
        raise ValueError(
            f"the Dask scheduler at {address} has distributed {theirs}, this machine {ours}: "
            f"{INSTALL}"
        )
    if not client.nthreads():
        message = f"{address} has no Dask worker yet; waiting for `dask worker {address}`"
        print(message, file=sys.stderr, flush=True)
    return client


def _outcomes(pending: Iterator[MediaFile], task: Task, client: Client) -> Iterator[Outcome]:
    here = _place()

    def submitted(files: Iterator[MediaFile]) -> dict[Future, MediaFile]:
        # Bound, because Dask looks for its own objects inside arguments.
        works = ((functools.partial(_prepare, file, task, here), file) for file in files)
        return {client.submit(work, pure=False): file for work, file in works}

    files = submitted(itertools.islice(pending, NUM_SUBMITTED))
    done = as_completed(files)
    for future in done:
        yield _outcome(future, files.pop(future))
        following = submitted(itertools.islice(pending, 1))
        files |= following
        done.update(following)


def _outcome(future: Future, media: MediaFile) -> Outcome:
    try:
        host, outcome = future.result()
    except KilledWorker as error:
        detail = f"{error.allowed_failures + 1} Dask workers died while they prepared it"
        return Outcome(media, Reject("crashed", detail))
    except FutureCancelledError as error:
        raise ValueError(
            "the Dask scheduler was lost; start it again, then run this command again to resume"
        ) from error
    except ImportError as error:
        raise ValueError(f"a Dask worker lacks a package: {error}; {INSTALL}") from error
    except RuntimeError as error:  # the scheduler reads what it is sent
        reason = error.__cause__ or error
        raise ValueError(f"the Dask scheduler lacks a package: {reason}; {INSTALL}") from error
    is_missing = outcome.reject is not None and outcome.reject.reason == "missing_file"
    if is_missing and media.path.exists():
        raise ValueError(
            f"{host} does not see {media.path}: all machines must mount it at the same path"
        )
    return outcome


def _prepare(media: MediaFile, task: Task, asked: Place) -> tuple[str, Outcome]:
    """What runs on a Dask worker: returns its host and the outcome."""
    here = _place()
    for name, version in asked.versions.items():
        if here.versions[name] != version:
            raise JobError(
                f"the Dask worker on {here.host} has {name} {here.versions[name]}, {asked.host} "
                f"has {version}: {INSTALL}"
            )
    try:
        return here.host, _pool.prepare(media, task)
    except JobError as error:
        raise JobError(f"the Dask worker on {here.host}: {error}") from error


@functools.cache
def _place() -> Place:
    versions = {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "avsync": f"{__version__} (clips {job.VERSION})",
        "distributed": metadata.version("distributed"),
        "av": av.__version__,
        "numpy": np.__version__,
    }
    return Place(socket.gethostname(), versions)
