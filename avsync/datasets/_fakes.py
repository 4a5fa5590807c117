"""Real clips and fakes made from them: in the labelled splits of a dataset of real clips, and in an
evaluation of any prepared real clips (`plan_fakes`).
"""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from avsync import lookup
from avsync.datasets._portions import Make, Portioned, only
from avsync.datasets._splits import stable_hash
from avsync.datasets.fabricate import NO_DONOR, TOO_SHORT, CannotFabricate, leading_silence
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

# Manipulations that borrow the sound of another clip.
BORROWING = ("swap", "splice", "both")

# One video frame, 40 ms: about as much as fakes of FakeAVCeleb and AV-Deepfake1M start with (Smeu
# et al., CVPR 2025).
PLANTED_FRAMES = 1

# In `parse_kinds`, every kind.
ALL = "all"


class LeftOut(NamedTuple):
    """A fake that was not made; `reason` is that of `CannotFabricate`."""

    clip_id: str
    kind: str
    reason: str


class FakesPlan(NamedTuple):
    """The fakes of a set of real clips, decided before any is made.

    kinds: names of `KINDS`, in their order.
    donor_of: the donor of each clip; no entry for the only clip of a known talker.
    made: the kinds made from each clip, by its id.
    left_out: the fakes that are not possible.
    num_unknown: clips of unknown talkers; their donors may be other people.
    num_shorter: clips whose donor is shorter, so that a swap is as short.
    """

    kinds: tuple[str, ...]
    seed: int
    donor_of: Mapping[str, str]
    made: Mapping[str, tuple[str, ...]]
    left_out: tuple[LeftOut, ...]
    num_unknown: int
    num_shorter: int

    def clips_of(self, clip: Clip, sounds: Mapping[str, Clip]) -> Iterator[Clip]:
        """The real clip, without the tail that the longest shift costs, and its fakes."""
        yield without_tail(clip, tail_frames(self.kinds))
        donor = sounds[self.donor_of.get(clip.clip_id, clip.clip_id)]
        for kind in self.made[clip.clip_id]:
            yield fabricate_kind(clip, donor, kind=kind, kinds=self.kinds, seed=self.seed)


def tail_frames(kinds: Iterable[str]) -> int:
    """The frames by which every clip is shortened: the longest shift among the kinds.

    A clip whose sound is n frames late becomes n frames shorter. All clips are shortened alike, so
    that their lengths do not separate the kinds.
    """
    return max((KINDS[kind][1].get("frames", 0) for kind in kinds), default=0)


def parse_kinds(names: Iterable[str]) -> tuple[str, ...]:
    """The `KINDS` of these names, in their order; the name of a manipulation means all its kinds.

    ValueError lists the known names.
    """
    manipulations = {manipulation for manipulation, _ in KINDS.values()}
    chosen = set(names)
    for name in chosen:
        lookup.require("kind of fake", name, sorted({*KINDS, *manipulations, ALL}))
    return tuple(
        kind for kind, (manipulation, _) in KINDS.items() if chosen & {kind, manipulation, ALL}
    )


def with_fakes(
    prepared: Mapping[str, Clip],
    speakers: Mapping[str, str],
    *,
    split: str,
    notes: list[str],
    kinds_per_clip: int = len(KINDS),
    plants_silence: bool = False,
) -> Portioned:
    """Each real clip of a split, followed by its fakes, in the order of `speakers`.

    All clips are `tail_frames` shorter than prepared. `speakers` maps the ids of the split to
    speakers ("" if unknown). A fake borrows sound from another clip of the split, of the same
    speaker if possible, so that the voice does not give it away. The fakes of a clip depend only on
    its id and its donor. If `kinds_per_clip` is less than all, each clip draws its kinds at random.
    With `plants_silence`, every fake begins with digital silence; real clips are unchanged.

    Fakes of clips that are too short, or have too little speech, are left out; when the last clip
    is made, a sentence that counts them by kind and reason is added to `notes`. Raises ValueError
    if the split has fewer than two clips, and so no donors.
    """
    donor_of = donors(speakers)

    def portion(pairs: Sequence[tuple[str, str]]) -> Make:
        needed = only(prepared, {clip_id: None for pair in pairs for clip_id in pair})
        options = {"kinds_per_clip": kinds_per_clip, "plants_silence": plants_silence}
        return functools.partial(_with_fakes, needed, pairs, **options)

    def conclude(left_out: Sequence[LeftOut]) -> None:
        if left_out:
            wanted = Counter(k for clip_id in donor_of for k in _drawn(clip_id, kinds_per_clip))
            notes.append(f"{split}: fakes left out: {_counted(left_out, wanted)}")

    return Portioned(list(donor_of.items()), portion, conclude=conclude)


def with_planted_silence(clips: Iterable[Clip]) -> Iterator[Clip]:
    """The clips, with leading digital silence added to every fake; real clips are unchanged."""
    for clip in clips:
        yield clip if clip.label == REAL else leading_silence.plant(clip, PLANTED_FRAMES)


def plan_fakes(sounds: Mapping[str, Clip], *, kinds: Sequence[str], seed: int = 0) -> FakesPlan:
    """Plans the fakes of real clips; deterministic for the same clips, kinds and seed.

    Only the sounds of the clips are read, their frames count; `kinds` come from `parse_kinds`.
    Sound is borrowed within one talker, from a clip at least as long where there is one. The only
    clip of a known talker has no fakes with borrowed sound. Clips of unknown talkers borrow from
    one another. ValueError if a clip is fake.
    """
    if fakes := [clip for clip in sounds.values() if clip.label != REAL]:
        raise ValueError(
            f"fakes are made from real clips, but {len(fakes)} of these {len(sounds)} clips are "
            f"labelled fake, such as {fakes[0].clip_id}; choose a split of real clips"
        )
    donor_of = _donors_of_one_talker(sounds, seed=seed)
    made: dict[str, tuple[str, ...]] = {}
    left_out: list[LeftOut] = []
    for clip_id, clip in sounds.items():
        possible = []
        for kind in kinds:
            try:
                if KINDS[kind][0] in BORROWING and clip_id not in donor_of:
                    raise CannotFabricate(f"clip {clip_id}: {kind}: {NO_DONOR}", reason=NO_DONOR)
                if len(clip.frames) <= tail_frames(kinds):
                    raise CannotFabricate(f"clip {clip_id}: {kind}: {TOO_SHORT}", reason=TOO_SHORT)
                donor = sounds[donor_of.get(clip_id, clip_id)]
                fabricate_kind(clip, donor, kind=kind, kinds=kinds, seed=seed)
                possible.append(kind)
            except CannotFabricate as error:
                left_out.append(LeftOut(clip_id, kind, error.reason))
        made[clip_id] = tuple(possible)
    return FakesPlan(
        kinds=tuple(kinds),
        seed=seed,
        donor_of=donor_of,
        made=made,
        left_out=tuple(left_out),
        num_unknown=sum(not clip.identity for clip in sounds.values()),
        num_shorter=sum(len(sounds[d].frames) < len(sounds[c].frames) for c, d in donor_of.items()),
    )


def fabricate_kind(
    clip: Clip, donor: Clip, *, kind: str, kinds: Iterable[str] = KINDS, seed: int = 0
) -> Clip:
    """A fake of one kind, as long as the fakes of all `kinds`.

    Deterministic for the same clip, donor and seed. Raises `CannotFabricate`.
    """
    name, params = KINDS[kind]
    rng = _rng(_seeded(f"{clip.clip_id}+{kind}", seed))
    tail = tail_frames(kinds) - params.get("frames", 0)
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
    by_speaker = _by_speaker(speakers)
    return {
        clip_id: _lowest_hash(clip_id, by_speaker[speaker]) or _lowest_hash(clip_id, list(speakers))
        for clip_id, speaker in speakers.items()
    }


def _donors_of_one_talker(sounds: Mapping[str, Clip], *, seed: int) -> dict[str, str]:
    """As `donors`, within one talker only; a clip without another one of its talker has no entry.

    A swap ends with the shorter of the two clips, and a shorter fake is known by its length: a
    clip at least as long comes first.
    """
    by_speaker = _by_speaker({clip_id: clip.identity for clip_id, clip in sounds.items()})
    lengths = {clip_id: len(clip.frames) for clip_id, clip in sounds.items()}
    chosen = {}
    for clip_id, clip in sounds.items():
        same = by_speaker[clip.identity]
        long = [other for other in same if lengths[other] >= lengths[clip_id]]
        chosen[clip_id] = _lowest_hash(clip_id, long, seed) or _lowest_hash(clip_id, same, seed)
    return {clip_id: donor for clip_id, donor in chosen.items() if donor}


def _by_speaker(speakers: Mapping[str, str]) -> dict[str, list[str]]:
    by_speaker: dict[str, list[str]] = {}
    for clip_id, speaker in speakers.items():
        by_speaker.setdefault(speaker, []).append(clip_id)
    return by_speaker


def _with_fakes(
    prepared: Mapping[str, Clip],
    pairs: Sequence[tuple[str, str]],
    *,
    kinds_per_clip: int,
    plants_silence: bool,
) -> Iterator[Clip | LeftOut]:
    """The clips of pairs of a clip's id and its donor's."""
    for clip_id, donor_id in pairs:
        clip, donor = prepared[clip_id], prepared[donor_id]
        yield without_tail(clip, tail_frames(KINDS))
        for kind in _drawn(clip_id, kinds_per_clip):
            try:
                fakes = [fabricate_kind(clip, donor, kind=kind)]
                yield from with_planted_silence(fakes) if plants_silence else fakes
            except CannotFabricate as error:
                yield LeftOut(clip_id, kind, error.reason)


def _drawn(clip_id: str, kinds_per_clip: int) -> list[str]:
    """The kinds of fake that are made of a clip."""
    drawn = set(_rng(clip_id).permutation(len(KINDS))[:kinds_per_clip].tolist())
    return [kind for index, kind in enumerate(KINDS) if index in drawn]


def _counted(left_out: Iterable[LeftOut], wanted: Mapping[str, int]) -> str:
    """The text "126 of 137 splice_0.8s (120 clip or donor too short, 6 too little speech), ..."."""
    by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for left in left_out:
        by_kind[left.kind][left.reason] += 1
    return ", ".join(
        f"{reasons.total()} of {wanted[kind]} {kind} "
        f"({', '.join(f'{number} {reason}' for reason, number in reasons.most_common())})"
        for kind, reasons in by_kind.items()
        if reasons
    )


def _lowest_hash(clip_id: str, candidates: Sequence[str], seed: int = 0) -> str:
    others = (other for other in candidates if other != clip_id)
    return min(others, key=lambda x: stable_hash(_seeded(f"{clip_id}|{x}", seed)), default="")


def _seeded(text: str, seed: int) -> str:
    """`text` to hash; that of seed 0 is what published numbers were made with."""
    return f"{text}#{seed}" if seed else text


def _rng(text: str) -> np.random.Generator:
    return np.random.default_rng(stable_hash(text))
