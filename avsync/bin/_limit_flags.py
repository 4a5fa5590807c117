"""Limits of one file, which avsync-score, avsync-fix and avsync-prepare share."""

from absl import flags

from avsync.limits import DEFAULT_LIMITS, Limits

SECONDS = flags.DEFINE_float(
    "clip_seconds",
    DEFAULT_LIMITS.seconds,
    "Time limit per file, in seconds; scoring adds ten times the length of the file.",
    0,
)
MEMORY = flags.DEFINE_float(
    "clip_gigabytes", DEFAULT_LIMITS.gigabytes, "Memory limit per file, in GiB (Linux).", 0
)
HOURS = flags.DEFINE_float("max_hours", DEFAULT_LIMITS.hours, "Length limit per file, in hours.", 0)
PIXELS = flags.DEFINE_float(
    "max_megapixels", DEFAULT_LIMITS.megapixels, "Largest frame, in million pixels.", 0
)

LOST = flags.DEFINE_float(
    "max_lost_share",
    None,
    "Share of a file that may be damaged or cut off. Default: 0.9 for scoring, 0.1 for "
    "avsync-prepare.",
    0,
    1,
)


def limits() -> Limits:
    """The limits that the flags state."""
    return Limits(SECONDS.value, MEMORY.value, HOURS.value, PIXELS.value, LOST.value)
