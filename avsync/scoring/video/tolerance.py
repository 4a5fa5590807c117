"""Whether an A/V offset is tolerated: limits of broadcasters, or your own."""

import re
from typing import Any, NamedTuple


class Tolerance(NamedTuple):
    """How far the sound may be early (lead) and late (lag), in milliseconds; both at least 0."""

    name: str
    lead_ms: float
    lag_ms: float


class Tolerated(NamedTuple):
    """The tolerance and whether a file keeps it; None if its offset is not known."""

    tolerance: Tolerance
    passes: bool | None

    def to_json(self) -> dict[str, Any]:
        return {**self.tolerance._asdict(), "passes": self.passes}


# EBU Recommendation R37-2007, The relative timing of the sound and vision components of a
# television signal: at the output that feeds the transmitters. ITU-R Recommendation BT.1359-1
# (1998), considering g): the thresholds of detectability, on average.
KNOWN = {
    "ebu": Tolerance("ebu", lead_ms=40, lag_ms=60),
    "itu": Tolerance("itu", lead_ms=45, lag_ms=125),
}


def parse(text: str) -> Tolerance:
    """ "ebu", "itu" or "LEAD,LAG" in milliseconds; ValueError for anything else."""
    if text in KNOWN:
        return KNOWN[text]
    number = r"(\d+(?:\.\d+)?)"
    if match := re.fullmatch(rf"{number},{number}", text):
        return Tolerance(text, *map(float, match.groups()))
    raise ValueError(
        f"tolerance must be {', '.join(KNOWN)}, or two numbers LEAD,LAG in milliseconds (how early "
        f"and how late the sound may be) such as 40,60; got {text!r}"
    )


def tolerated(tolerance: Tolerance, offsets_seconds: list[float] | None) -> Tolerated:
    """Whether all offsets of a file, in seconds, are tolerated; None stands for unknown ones."""
    if not offsets_seconds:
        return Tolerated(tolerance, None)
    milliseconds = [1000 * offset for offset in offsets_seconds]
    passes = all(-tolerance.lead_ms <= ms <= tolerance.lag_ms for ms in milliseconds)
    return Tolerated(tolerance, passes)
