"""Reals and the fakes made of them, for the labelled splits of any dataset of real clips."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from avsync import lookup
from avsync.datasets.fabricate import CannotFabricate, leading_silence
from avsync.types import REAL, Clip
from avsync.units import SAMPLES_PER_FRAME

logger = logging.getLogger(__name__)

# Kinds of fake made from each real clip: the name of the manipulation, the file of
# avsync.datasets.fabricate that makes it, and its parameters. Shifted sound comes late, never
# early: early sound would lose the few silent milliseconds with which its codec lets every other
# clip begin, and would be recognised by that.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "swap": ("swap", {}),
    "shift_2": ("shift", {"frames": 2}),
    "shift_5": ("shift", {"frames": 5}),
    "shift_10": ("shift", {"frames": 10}),
    "splice_0.4s": ("splice", {"seconds": 0.4}),
    "splice_0.8s": ("splice", {"seconds": 0.8}),
    "freeze_0.8s": ("freeze", {"seconds": 0.8}),
    "reverse_0.8s": ("reverse", {"seconds": 0.8}),
    "both": ("both", {"seconds": 0.8}),
}

# Sound that comes n frames late leaves n frames less of a clip. Were the others longer, their
# number of frames would tell them apart: so all end earlier, by the longest shift.
TAIL_FRAMES = max(params.get("frames", 0) for _, params in KINDS.values())

# One video frame, 40 ms: about what the fakes of FakeAVCeleb and AV-Deepfake1M begin with (Smeu et
# al., CVPR 2025).
PLANTED_FRAMES = 1


def with_fakes(
    prepared: Mapping[str, Clip],
    talkers: Mapping[str, str],
    *,
    split: str,
    kinds_per_clip: int = len(KINDS),
) -> Iterator[Clip]:
    """Each real clip of a split, followed by its fakes, in the order of `talkers`.

    All of them are `TAIL_FRAMES` shorter than the clip that was prepared.
    `talkers` says who speaks ("" if unknown) in each clip of the split. A clip borrows sound from
    another clip of the split: of the same talker where there is one, so that no change of voice
    gives the fake away. A clip's fakes depend on its id and its donor, and on nothing else that is
    there. With fewer `kinds_per_clip` than there are, each clip draws its own.

    A fake that a clip cannot carry is left out, counted, and told in one warning a split.
    ValueError if the split has fewer than two clips, and so no donor.
    """
    # At once, not with the first clip: a split without donors is refused before anything is built.
    lenders = donors(talkers)
    return _with_fakes(prepared, lenders, split=split, kinds_per_clip=kinds_per_clip)


def with_planted_silence(clips: Iterable[Clip]) -> Iterator[Clip]:
    """The clips, every fake among them behind a sliver of digital silence; reals as they are."""
    for clip in clips:
        yield clip if clip.label == REAL else leading_silence.plant(clip, PLANTED_FRAMES)


def forge(clip: Clip, donor: Clip, *, kind: str) -> Clip:
    """The fake of this kind, without its tail; always the same for the same clip and donor."""
    name, params = KINDS[kind]
    rng = _rng(f"{clip.clip_id}+{kind}")
    tail = TAIL_FRAMES - params.get("frames", 0)
    clip, donor = without_tail(clip, tail), without_tail(donor, tail)
    return lookup.load("datasets.fabricate", name).fabricate(clip, donor, rng, **params)


def without_tail(clip: Clip, frames: int) -> Clip:
    """A real clip without its last `frames`."""
    num_frames = max(len(clip.frames) - frames, 0)
    return clip.replace(
        frames=clip.frames[:num_frames], waveform=clip.waveform[: num_frames * SAMPLES_PER_FRAME]
    )


def donors(talkers: Mapping[str, str]) -> dict[str, str]:
    """For each clip another one to borrow from, of the same talker where there is one.

    It is the one whose name, written behind the clip's, has the lowest hash: so a clip more in the
    folder changes few of the others' donors (rendezvous hashing). ValueError for fewer than two.
    """
    if len(talkers) < 2:
        raise ValueError(
            f"fakes borrow sound from another clip, and there are only these: {list(talkers)}; "
            "prepare at least two clips"
        )
    by_talker: dict[str, list[str]] = {}
    for clip_id, talker in talkers.items():
        by_talker.setdefault(talker, []).append(clip_id)
    return {
        clip_id: _nearest(clip_id, by_talker[talker]) or _nearest(clip_id, list(talkers))
        for clip_id, talker in talkers.items()
    }


def stable_hash(text: str) -> int:
    """64 bits that are the same on every machine and in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _with_fakes(
    prepared: Mapping[str, Clip], lenders: Mapping[str, str], *, split: str, kinds_per_clip: int
) -> Iterator[Clip]:
    left_out: Counter[str] = Counter()
    for clip_id, donor_id in lenders.items():
        clip, donor = prepared[clip_id], prepared[donor_id]
        yield without_tail(clip, TAIL_FRAMES)
        drawn = set(_rng(clip_id).permutation(len(KINDS))[:kinds_per_clip])
        for kind in (kind for index, kind in enumerate(KINDS) if index in drawn):
            try:
                yield forge(clip, donor, kind=kind)
            except CannotFabricate:
                left_out[kind] += 1
    if left_out:
        counts = ", ".join(f"{kind} {count}" for kind, count in left_out.items())
        reason = "clip or donor too short, or too little speech"
        logger.warning("%s: %d fakes left out (%s): %s", split, left_out.total(), reason, counts)


def _nearest(clip_id: str, candidates: Sequence[str]) -> str:
    others = (other for other in candidates if other != clip_id)
    return min(others, key=lambda other: stable_hash(f"{clip_id}|{other}"), default="")


def _rng(text: str) -> np.random.Generator:
    return np.random.default_rng(stable_hash(text))
