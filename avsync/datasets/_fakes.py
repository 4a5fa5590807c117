"""Real clips and fakes made from them, for the labelled splits of any dataset of real clips."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from avsync import lookup
from avsync.datasets._splits import stable_hash
from avsync.datasets.fabricate import CannotFabricate, leading_silence
from avsync.types import REAL, Clip
from avsync.units import SAMPLES_PER_FRAME

# Kinds of fake made from each real clip: name of the manipulation, module of
# avsync.datasets.fabricate, and its parameters. Shifted sound is late, never early: early sound
# would lose the few milliseconds of silence that the audio codec puts at the start of every clip,
# and could be recognised by that.
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

# A clip whose sound is n frames late becomes n frames shorter. All clips are shortened by the
# longest shift, so that their lengths do not separate the kinds.
TAIL_FRAMES = max(params.get("frames", 0) for _, params in KINDS.values())

# One video frame, 40 ms: about as much as fakes of FakeAVCeleb and AV-Deepfake1M start with (Smeu
# et al., CVPR 2025).
PLANTED_FRAMES = 1


def with_fakes(
    prepared: Mapping[str, Clip],
    speakers: Mapping[str, str],
    *,
    split: str,
    notes: list[str],
    kinds_per_clip: int = len(KINDS),
) -> Iterator[Clip]:
    """Yields each real clip of a split, followed by its fakes, in the order of `speakers`.

    All clips are `TAIL_FRAMES` shorter than prepared. `speakers` maps the ids of the split to
    speakers ("" if unknown). A fake borrows sound from another clip of the split, of the same
    speaker if possible, so that the voice does not give it away. The fakes of a clip depend only on
    its id and its donor. If `kinds_per_clip` is less than all, each clip draws its kinds at random.

    Fakes of clips that are too short, or have too little speech, are left out; when the last clip
    is made, a sentence that counts them by kind and reason is added to `notes`. Raises ValueError
    if the split has fewer than two clips, and so no donors.
    """
    # Outside the generator, so that a split without donors is refused before anything is built.
    donor_of = donors(speakers)
    return _with_fakes(prepared, donor_of, split=split, notes=notes, kinds_per_clip=kinds_per_clip)


def with_planted_silence(clips: Iterable[Clip]) -> Iterator[Clip]:
    """The clips, with leading digital silence added to every fake; real clips are unchanged."""
    for clip in clips:
        yield clip if clip.label == REAL else leading_silence.plant(clip, PLANTED_FRAMES)


def fabricate_kind(clip: Clip, donor: Clip, *, kind: str) -> Clip:
    """A fake of one kind, with its tail cut off; deterministic for the same clip and donor."""
    name, params = KINDS[kind]
    rng = _rng(f"{clip.clip_id}+{kind}")
    tail = TAIL_FRAMES - params.get("frames", 0)
    clip, donor = without_tail(clip, tail), without_tail(donor, tail)
    return lookup.load("datasets.fabricate", name).fabricate(clip, donor, rng, **params)


def without_tail(clip: Clip, frames: int) -> Clip:
    """A real clip without its last `frames` video frames."""
    num_frames = max(len(clip.frames) - frames, 0)
    return clip.replace(
        frames=clip.frames[:num_frames], waveform=clip.waveform[: num_frames * SAMPLES_PER_FRAME]
    )


def donors(speakers: Mapping[str, str]) -> dict[str, str]:
    """The id of the donor of each clip, a clip of the same speaker if there is another one.

    Rendezvous hashing chooses the donor: the candidate with the lowest hash of both ids. So an
    additional clip changes few donors of other clips. Raises ValueError for fewer than two clips.
    """
    if len(speakers) < 2:
        raise ValueError(
            f"fakes borrow sound from another clip, but the only clips are {list(speakers)}; "
            "prepare at least two clips"
        )
    by_speaker: dict[str, list[str]] = {}
    for clip_id, speaker in speakers.items():
        by_speaker.setdefault(speaker, []).append(clip_id)
    return {
        clip_id: _lowest_hash(clip_id, by_speaker[speaker]) or _lowest_hash(clip_id, list(speakers))
        for clip_id, speaker in speakers.items()
    }


def _with_fakes(
    prepared: Mapping[str, Clip],
    donor_of: Mapping[str, str],
    *,
    split: str,
    notes: list[str],
    kinds_per_clip: int,
) -> Iterator[Clip]:
    wanted: Counter[str] = Counter()
    left_out: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for clip_id, donor_id in donor_of.items():
        clip, donor = prepared[clip_id], prepared[donor_id]
        yield without_tail(clip, TAIL_FRAMES)
        drawn = set(_rng(clip_id).permutation(len(KINDS))[:kinds_per_clip])
        for kind in (kind for index, kind in enumerate(KINDS) if index in drawn):
            wanted[kind] += 1
            try:
                yield fabricate_kind(clip, donor, kind=kind)
            except CannotFabricate as error:
                left_out[kind][error.reason] += 1
    if any(left_out.values()):
        notes.append(f"{split}: fakes left out: {_counted(left_out, wanted)}")


def _counted(left_out: Mapping[str, Counter[str]], wanted: Mapping[str, int]) -> str:
    """The text "126 of 137 splice_0.8s (120 clip or donor too short, 6 too little speech), ..."."""
    return ", ".join(
        f"{reasons.total()} of {wanted[kind]} {kind} "
        f"({', '.join(f'{number} {reason}' for reason, number in reasons.most_common())})"
        for kind, reasons in left_out.items()
        if reasons
    )


def _lowest_hash(clip_id: str, candidates: Sequence[str]) -> str:
    others = (other for other in candidates if other != clip_id)
    return min(others, key=lambda other: stable_hash(f"{clip_id}|{other}"), default="")


def _rng(text: str) -> np.random.Generator:
    return np.random.default_rng(stable_hash(text))
