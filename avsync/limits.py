"""Limits of what reading one media file may take, and the limit of a process's memory."""

import resource
from pathlib import Path
from typing import NamedTuple


class Limits(NamedTuple):
    """Limits of one media file; one that exceeds them gets the status or reject that says so.

    seconds: time to read it. A GRID clip takes 0.2 s, a minute of 1920 x 1080 pixels half a minute.
    gigabytes: memory (GiB) on top of the 0.17 that a worker holds beforehand, 4 GB in all; enforced
      on Linux only.
    hours: length of its streams.
    megapixels: of a frame; the default admits 8K, 8192 x 4320 pixels.
    lost_share: of its frames, or of the length that its header states, how much may be missing or
      damaged; None for the default of the command, 0.9 for scoring and 0.1 for preparation.
    """

    seconds: float = 900.0
    gigabytes: float = 3.8
    hours: float = 8.0
    megapixels: float = 35.4
    lost_share: float | None = None

    @property
    def max_seconds(self) -> float:
        """The length of the longest file."""
        return self.hours * 3600

    @property
    def max_pixels(self) -> int:
        """The size of the largest frame."""
        return round(self.megapixels * 1e6)


DEFAULT_LIMITS = Limits()


def limit_memory(gigabytes: float) -> None:
    """Lets this process allocate so many more GiB; beyond that, Python raises MemoryError.

    The limit is on writable memory, whether it was written or not. The whole address space would
    include the files of libraries; resident memory can only be polled, and a process fills
    gigabytes between two polls. No effect where /proc is missing.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would fill gigabytes of disk
    pages = Path("/proc/self/statm")
    if pages.is_file():
        num_bytes_before = int(pages.read_bytes().split()[5]) * resource.getpagesize()
        limit = num_bytes_before + round(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
