"""--tolerance of avsync-score: limits of the A/V offset, and the exit status beyond them."""

from typing import Any

from absl import flags

from avsync.bin.base import OUT_OF_TOLERANCE, UsageError, end

TOLERANCE = flags.DEFINE_string(
    "tolerance",
    None,
    "ebu (EBU R37: sound up to 40 ms early, 60 ms late), itu (ITU-R BT.1359 detectability: 45 ms, "
    "125 ms) or EARLY,LATE in milliseconds. Each record says whether its offset passes; exit "
    f"status {OUT_OF_TOLERANCE} unless all files do.",
)


def parsed_tolerance() -> Any:
    """The `Tolerance` of the flag; None without one. UsageError if it is malformed."""
    if TOLERANCE.value is None:
        return None
    from avsync.scoring.video import tolerance

    try:
        return tolerance.parse(TOLERANCE.value)
    except ValueError as error:
        raise UsageError(f"--tolerance: {error}") from error


def check_tolerance(num_not_tolerated: int, *, num_files: int) -> None:
    """Ends the process with `OUT_OF_TOLERANCE` unless all files pass, or there is no tolerance."""
    if TOLERANCE.value is not None and num_not_tolerated:
        end(
            f"{num_not_tolerated} of {num_files} files are not known to be in sync within "
            f"--tolerance={TOLERANCE.value}",
            OUT_OF_TOLERANCE,
        )
