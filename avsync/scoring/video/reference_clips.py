"""What a calibration holds for verdicts on files: held-out real clips, by the rules of verdicts.

`Reference` reads it. Clips are scored at the offset that is certain, as files are, by the worst
0.4 s of their speech. On the 198 GRID clips that the shipped scorer was not trained on, the largest
such scores are 2.9, 2.1 and 2.0, and half of the clips with swapped sound exceed 8.3; by the score
of an evaluation ("nll", "logmeanexp", all frames, as they are) the largest are 12.2, 9.0 and 6.2,
for real clips that are out of sync, and swapped sound has 11.3.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from avsync import scoring
from avsync.input_pipeline.batching import padded
from avsync.media.speech import speech_frames
from avsync.metrics import domain
from avsync.scoring.offset_gain import Gains, best_offset, candidate_gains
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.reference import STREAMS, min_offset_nats
from avsync.scoring.video.trimming import MIN_SPEECH_FRAMES
from avsync.types import GROUP, WholeClip

RULES = {"frame": "near_nll", "pooling": "window"}

DIGITS = 6


class _Measured(NamedTuple):
    """A reference clip after the model, and what the sound of the clip before it gains with it."""

    logits: Float[np.ndarray, "t k"]
    gains: Gains
    has_speech: Bool[np.ndarray, " t"]
    windows: tuple[domain.Windows, ...]
    unrelated_nats: float | None
    group: str


def measure(clips: Iterable[WholeClip], scorer: Scorer) -> dict[str, Any]:
    """The entry "verdict" of a calibration of real clips that the model was not trained on.

    frame, pooling: the rules of `scores`.
    is_speech_only: False if most clips have no speech, and all of their frames count.
    scores: one for each clip with enough speech, in ascending order.
    groups: those of each group that the clips name; without it if they name none.
    unrelated_nats: by clip, the evidence for its lips and the sound of the clip before it, for an
      offset out of sync; 0 for one in sync.
    mouths, voices: see `avsync.metrics.domain`; None for too few clips.

    Clips that are too short or silent are left out. ValueError if none is left.
    """
    measured = list(_measured(clips, scorer))
    if not measured:
        raise ValueError("no clip is long enough to calibrate with")
    has_speech = [each.has_speech.sum() >= MIN_SPEECH_FRAMES for each in measured]
    is_speech_only = bool(2 * sum(has_speech) >= len(measured))
    unrelated = [each.unrelated_nats for each in measured if each.unrelated_nats is not None]
    num_frames = int(np.median([len(each.gains) for each in measured]))
    scores: dict[str, list[float]] = {}
    for each, is_usable in zip(measured, has_speech, strict=True):
        if is_usable or not is_speech_only:
            counts = each.has_speech if is_speech_only else np.ones(len(each.gains), bool)
            least = min_offset_nats(unrelated, len(each.gains), piece_frames=num_frames)
            score = _score(each, counts, min_nats=least)
            if np.isfinite(score):
                scores.setdefault(each.group, []).append(_rounded(score))
    groups = {name: sorted(own) for name, own in sorted(scores.items()) if name}
    spoken = [domain.is_spoken(each.has_speech) | (not is_speech_only) for each in measured]
    models = [
        domain.fit(
            [
                each.windows[i][keep]
                for each, keep in zip(measured, spoken, strict=True)
                if keep.any()
            ]
        )
        for i in range(len(STREAMS))
    ]
    return {
        **RULES,
        "is_speech_only": is_speech_only,
        "scores": sorted(score for own in scores.values() for score in own),
        **({"groups": groups} if groups else {}),
        "unrelated_nats": sorted(map(_rounded, unrelated)),
        **{
            stream: None if model is None else model.to_json()
            for stream, model in zip(STREAMS, models, strict=True)
        },
    }


def _measured(clips: Iterable[WholeClip], scorer: Scorer) -> Iterator[_Measured]:
    encode, align = jax.jit(scorer.encode), jax.jit(scorer.align)
    before = None
    for clip in clips:
        length = clip.info.num_frames
        if clip.info.status != "ok" or scoring.abstention(length):
            continue
        batch = padded([clip], num_rows=1).batch
        visual, audio = encode(scorer.params, batch.visual, batch.audio, batch.valid)
        logits = np.asarray(align(scorer.params, visual, audio, batch.valid))[0, :length]
        unrelated = None
        if before is not None:
            other = np.zeros_like(audio)
            other[:, : len(before)] = before[None, : other.shape[1]]
            common = min(length, len(before))
            valid = np.arange(other.shape[1])[None] < common
            gains = candidate_gains(
                np.asarray(align(scorer.params, visual, other, valid))[0, :common]
            )
            best = best_offset(gains)
            is_shift = abs(best.frames) >= scoring.MIN_DESYNC_FRAMES
            unrelated = best.nats if is_shift else 0.0
        before = np.asarray(audio)[0, :length]
        yield _Measured(
            logits,
            candidate_gains(logits),
            speech_frames(clip.audio),
            tuple(domain.windows(np.asarray(x)[0, :length]) for x in (visual, audio)),
            unrelated,
            clip.info.attributes.get(GROUP, ""),
        )


def _score(clip: _Measured, counts: Bool[np.ndarray, " t"], *, min_nats: float) -> float:
    """Its score at the offset that is certain; NaN if too little of it is left there."""
    runs = scoring.certain_runs(clip.gains, min_nats=min_nats)
    shift = runs[0].offset_frames if len(runs) == 1 else 0
    if abs(shift) < scoring.MIN_DESYNC_FRAMES:
        shift = 0
    frames = np.arange(len(counts))
    has_sound = (frames + shift >= 0) & (frames + shift < len(counts))
    kept = frames[has_sound]
    kept = kept[counts[kept + shift]]
    if len(kept) < MIN_SPEECH_FRAMES:
        return np.nan
    moved = jnp.roll(clip.logits, -shift, axis=1)[None, kept]
    scores = scoring.frame_scores(moved, name=RULES["frame"])
    valid = jnp.ones(scores.shape, bool)
    return float(scoring.clip_score(scores, valid, pooling=RULES["pooling"])[0])


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
