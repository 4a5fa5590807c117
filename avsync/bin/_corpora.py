"""The datasets of avsync-evaluate, scored one after the other by the same models."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from avsync.bin import _test_clips, _test_flags
from avsync.bin.base import UsageError, say

# Extraction of clips -> their scorer, and the function that scores views by all models.
Load = Callable[[Any], tuple[Any, Any]]


def loader(workdir: Path, step: int, others: dict[str, str], **options: Any) -> Load:
    """Loads a checkpoint, by `options` of `build.load_scorer`, and `others` once for each kind."""
    loaded: dict[str, tuple[Any, Any]] = {}

    def load(extraction: Any) -> tuple[Any, Any]:
        from avsync import build
        from avsync.evaluation import scores

        kind = repr(extraction)
        if kind not in loaded:
            parts = {name: options[name] for name in ("encoder", "dtype")}
            try:
                scorer = build.load_scorer(workdir, step, extraction=extraction, **options)
                more = build.load_others(others, extraction=extraction, **parts)
                loaded[kind] = scorer, scores.make_score_views(scorer, others=more)
            except ValueError as error:
                raise UsageError(str(error)) from error
        return loaded[kind]

    return load


class Failed(dict[str, str]):
    """The reasons by dataset that could not be evaluated; none unless a dataset `may_fail`."""

    def __init__(self, *, may_fail: bool):
        from avsync import runtime

        # The other processes of a job would wait for one that goes on with the next dataset.
        self._may_fail = may_fail and runtime.this_host().count == 1

    @contextlib.contextmanager
    def noted(self, dataset: str) -> Iterator[None]:
        """Notes an error, and prints it."""
        try:
            yield
        except (ValueError, OSError) as error:
            if not self._may_fail:
                raise
            self[dataset] = str(error)
            say(f"avsync-evaluate: {dataset} is not evaluated: {error}", file=sys.stderr)


def score_each(datasets: Sequence[str], load: Load, known: Any, *, failed: Failed) -> Iterator[Any]:
    """An `avsync.evaluation.corpora.Corpus` of each dataset; `known` is a calibration, or None."""
    for name in datasets:
        with failed.noted(name):
            yield _score(name, load, known)


def _score(name: str, load: Load, known: Any) -> Any:
    from avsync.evaluation import calibration, realigned

    open_views = functools.partial(_test_clips.open_views, name)
    try:
        extraction = open_views(0).extraction
    except ValueError as error:
        raise UsageError(str(error)) from error
    return realigned.score(
        open_views,
        *load(extraction),
        # Features in files stay as they are.
        realigns="none" if _test_flags.FEATURES.value else str(_test_flags.REALIGN.value),
        known_frames=calibration.realigned_frames_of(known, name),
    )
