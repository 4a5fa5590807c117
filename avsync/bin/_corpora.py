"""The datasets of avsync-evaluate, scored one after the other by the same models."""

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from avsync.bin import _test_clips, _test_flags
from avsync.bin.base import UsageError, suppress_stderr

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


def score_each(datasets: Sequence[str], load: Load, known: Any) -> Iterator[Any]:
    """An `avsync.evaluation.corpora.Corpus` of each dataset; `known` is a calibration, or None.

    UsageError before the first is scored if one of several datasets is not there.
    """
    with suppress_stderr():  # TensorFlow, as it is imported
        from avsync.evaluation import views as views
    if len(datasets) > 1:
        for name in datasets:
            _opened(_test_clips.open_stored, name)
    for name in datasets:
        yield _score(name, load, known)


def _score(name: str, load: Load, known: Any) -> Any:
    from avsync.evaluation import calibration, realigned

    extraction = _opened(_test_clips.open_views, name).extraction
    return realigned.score(
        functools.partial(_test_clips.open_views, name),
        *load(extraction),
        # Features in files stay as they are.
        realigns="none" if _test_flags.FEATURES.value else str(_test_flags.REALIGN.value),
        known_frames=calibration.realigned_frames_of(known, name),
    )


def _opened(open_clips: Callable[[str], Any], name: str) -> Any:
    try:
        return open_clips(name)
    except ValueError as error:
        raise UsageError(str(error)) from error
