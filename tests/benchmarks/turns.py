"""The turn protocol of compared programs: each is a process that waits for its turn on stdin.

Imports the standard library only, so that any interpreter can run it.
"""

import json
import resource
import sys
import time
from collections.abc import Callable


def serve(train: Callable[[int], int], *, read_ahead: int) -> None:
    """Runs as many updates as each line of stdin requests, and answers with a JSON line.

    `train(num_updates)` returns the number of frames. Each turn starts with `read_ahead` updates
    that are not measured: their batches may have been read during the other program's turn. The
    first answer is written before any update.
    """
    _say(peak_mib=_peak_mib())
    for line in sys.stdin:
        train(read_ahead)
        since, cpu_since = time.perf_counter(), time.process_time()
        num_frames = train(int(line))
        _say(
            num_frames=num_frames,
            seconds=time.perf_counter() - since,
            cpu_seconds=time.process_time() - cpu_since,
            peak_mib=_peak_mib(),
        )


def _peak_mib() -> float:
    # In kB on Linux. It includes the peak of the parent process, which imports nothing large.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(**answer: float) -> None:
    print(json.dumps(answer), flush=True)
