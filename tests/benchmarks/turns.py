"""Two programs that are compared take turns: each is a process that waits for its turn on stdin.

It imports nothing but Python's own, for both sides and any interpreter.
"""

import json
import resource
import sys
import time
from collections.abc import Callable


def serve(train: Callable[[int], int], *, read_ahead: int) -> None:
    """Trains for as many updates as each line of stdin says, and answers with a JSON line.

    `train(num_updates)` returns the number of frames that it trained on. A turn begins with
    `read_ahead` updates that do not count: as many as may have been read from disk while the other
    program had its turn. The first line of all is written before any update.
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
    # In kB on Linux. A process inherits its parent's, which here has not imported anything large.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(**answer: float) -> None:
    print(json.dumps(answer), flush=True)
