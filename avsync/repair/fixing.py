"""One file: scored, copied with its sound moved or its picture stretched, and scored again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from avsync.files import replacing, sha256
from avsync.repair.containers import CannotCopy
from avsync.repair.fixes import Fix
from avsync.repair.measuring import Measured, drift_text, measured
from avsync.repair.remux import Moved, Request
from avsync.scoring.video.clip_scorer import OnProgress
from avsync.scoring.video.results import VideoResult

# A frame at 25 fps. Of 99 held-out GRID clips, 98 measure as in sync within this.
DEFAULT_TOLERANCE_SECONDS = 0.04

# An offset near the end of the search may be measured short; what is left is then clear.
MAX_ATTEMPTS = 2


@runtime_checkable
class Scorer(Protocol):
    """A `VideoScorer`."""

    def score(self, path: Path, *, on_progress: OnProgress) -> VideoResult:
        """The result of a file."""
        ...


@runtime_checkable
class SoundMover(Protocol):
    """A `Mover`."""

    def move(self, request: Request) -> Moved:
        """Writes the copy; raises `CannotCopy`."""
        ...


class Fixer:
    """Fixes files one by one.

    audio_track is the number of the sound that `scorer` scores, from 1; None for the default one.
    Sound that is no later and no earlier than `tolerance_seconds` counts as in sync.
    """

    def __init__(
        self,
        scorer: Scorer,
        mover: SoundMover,
        tolerance_seconds: float = DEFAULT_TOLERANCE_SECONDS,
        *,
        audio_track: int | None = None,
    ):
        self._scorer, self._mover = scorer, mover
        self._tolerance_seconds = tolerance_seconds
        self._audio_track = audio_track

    def fix(self, path: Path, out: Path, *, on_progress: OnProgress) -> Fix:
        """Writes `out`, which must not exist, if the sound of `path` is out of sync and then fits.

        Raises OSError if `out` cannot be written or `path` is gone, and `JobError`.
        """
        before = self._measure(path, on_progress)
        if (fix := self._without_move(path, before)) is not None:
            return fix
        change = _change(before)
        hashed = sha256(path)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                with replacing(out) as unfinished:
                    request = Request(path, unfinished, self._audio_track, *change)
                    moved = self._mover.move(request)
                    after = self._measure(unfinished, on_progress)
                    if not self._fits(before, after):
                        raise _StillOut(after)
                    return Fix(
                        status="fixed",
                        path=path,
                        out=out,
                        offset_after=after.late_seconds,
                        drift_after=after.drift,
                        sha256=hashed,
                        out_sha256=sha256(unfinished),
                        **_fields(before, change, moved),
                    )
            except CannotCopy as error:
                return _not_copied(path, before, error)
            except _StillOut as error:
                if error.after.late_seconds is None or attempt == MAX_ATTEMPTS:
                    return _not_kept(path, before, error.after)
                change = change.then(_change(error.after))
        raise AssertionError("the last attempt returns")

    def plan(self, path: Path, *, on_progress: OnProgress) -> Fix:
        """What `fix` would do; writes nothing."""
        before = self._measure(path, on_progress)
        if (fix := self._without_move(path, before)) is not None:
            return fix
        change = _change(before)
        try:
            moved = self._mover.move(Request(path, None, self._audio_track, *change))
        except CannotCopy as error:
            return _not_copied(path, before, error)
        return Fix(status="would_fix", path=path, **_fields(before, change, moved))

    def _measure(self, path: Path, on_progress: OnProgress) -> Measured:
        return measured(self._scorer.score(path, on_progress=on_progress))

    def _fits(self, before: Measured, after: Measured) -> bool:
        if before.status == "drifting":
            return after.is_steady(self._tolerance_seconds)
        return after.is_within(self._tolerance_seconds)

    def _without_move(self, path: Path, before: Measured) -> Fix | None:
        """What there is to say of a file whose sound is not moved; None for one that is out."""
        fields: dict[str, Any] = {"path": path, **_found(before)}
        if before.status not in ("measured", "drifting"):
            return Fix(status=before.status, message=before.message, **fields)
        if before.is_within(self._tolerance_seconds):
            allowed = f"within {1000 * self._tolerance_seconds:g} ms"
            return Fix(status="in_sync", message=f"in sync {allowed}: left as it is", **fields)
        return None


class _StillOut(Exception):
    """The sound of a copy does not fit."""

    def __init__(self, after: Measured):
        super().__init__(after.message)
        self.after = after


class _Change(NamedTuple):
    """What a copy changes, see `Request`."""

    late_seconds: float
    stretch: float

    def then(self, other: "_Change") -> "_Change":
        """Both, where the other was found in the copy that this one made."""
        stretch = (1 + self.stretch) * (1 + other.stretch) - 1
        return _Change(self.late_seconds + other.late_seconds, stretch)


def _change(found: Measured) -> _Change:
    return _Change(found.late_seconds or 0.0, found.rate)


def _found(before: Measured) -> dict[str, Any]:
    """The fields of a `Fix` that say what was found in the file."""
    return {"offset_before": before.late_seconds, "drift_before": before.drift}


def _fields(before: Measured, change: _Change, moved: Moved) -> dict[str, Any]:
    """The fields of a `Fix` that say what was found and changed."""
    message = _sentence(change.late_seconds, moved)
    if change.stretch:
        message = f"{before.message}: picture stretched by {100 * change.stretch:+.3f} %; {message}"
    return {
        **_found(before),
        "moved_seconds": -change.late_seconds,
        "stretch": change.stretch,
        "audio_tracks": moved.tracks,
        "lost": moved.lost,
        "message": message,
    }


def _sentence(late_seconds: float, moved: Moved) -> str:
    how = f"moved {abs(late_seconds):.2f} s {'earlier' if late_seconds > 0 else 'later'}"
    parts = [f"sound {how}"]
    if len(moved.tracks) > 1 or moved.others:
        parts = [f"sound {_numbered(moved.tracks)} {how}"]
    if moved.others:
        parts.append(f"{_numbered(moved.others)} left, of another start or length")
    if moved.lead_seconds:
        parts.append(f"all else begins {moved.lead_seconds:.2f} s later")
    if moved.lost:
        parts.append(f"not in the copy: {', '.join(moved.lost)}")
    return "; ".join(parts)


def _numbered(tracks: Sequence[int]) -> str:
    *first, last = map(str, sorted(tracks))
    return f"tracks {', '.join(first)} and {last}" if first else f"track {last}"


def _not_copied(path: Path, before: Measured, error: CannotCopy) -> Fix:
    return Fix(path=path, status="not_copied", message=str(error), **_found(before))


def _not_kept(path: Path, before: Measured, after: Measured) -> Fix:
    reason = after.message
    if before.status == "drifting" and after.status == "measured":
        known = after.line
        reason = drift_text(known) if known else "too little speech to tell its drift"
    return Fix(
        path=path,
        status="still_out_of_sync",
        message=f"{'stretched' if before.rate else 'moved'}, it is not in sync either: {reason}",
        offset_after=after.late_seconds,
        drift_after=after.drift,
        **_found(before),
    )
