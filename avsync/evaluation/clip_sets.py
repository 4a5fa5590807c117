"""Clips to evaluate that are changed on the way: fakes made of real clips, distorted clips.

Nothing is written to disk: each view reads the stored clips again, makes the same fakes of them,
and changes them before silence is trimmed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from avsync.datasets._fakes import FakesPlan, plan_fakes, with_planted_silence
from avsync.evaluation.lines import TRIMS, Metrics
from avsync.evaluation.views import Views
from avsync.input_pipeline.clips import clip_batches, read_clips, read_sounds, require_clips
from avsync.input_pipeline.records import host_range
from avsync.runtime import this_host
from avsync.types import Clip, Source


class ClipSet(NamedTuple):
    """This process's clips, read anew by each call of `read`.

    num_clips: of this process, fakes included.
    fabricated: what fakes were made, see `describe`; None if those of the dataset are used.
    """

    source: Source
    read: Callable[[], Iterator[Clip]]
    num_clips: int
    fabricated: Metrics | None


def stored(source: Source, *, limit: int | None) -> ClipSet:
    """The first `limit` clips of a split as they are; ValueError for extracted features."""
    require_clips(source)
    clips = host_range(min(source.num_clips, limit or source.num_clips), this_host())
    return ClipSet(source, lambda: read_clips(source, clips), len(clips), None)


def fabricated(
    source: Source, *, kinds: tuple[str, ...], seed: int, plants_silence: bool, limit: int | None
) -> ClipSet:
    """The first `limit` clips of a split of real clips, each followed by its fakes.

    With `plants_silence` every fake starts with the leading silence that gives away the fakes of
    public datasets. The fakes of all clips are planned first, so every process knows all numbers.
    ValueError if a clip is labelled fake, or if no fake can be made.
    """
    sounds = read_sounds(source, limit=limit)
    plan = plan_fakes(sounds, kinds=kinds, seed=seed)
    about = describe(plan, plants_silence=plants_silence)
    if not about["num_fakes"]:
        raise ValueError(
            f"{source.dataset}/{source.split}: no fake can be made: {about['summary']}"
        )
    own = host_range(len(sounds), this_host())

    def read() -> Iterator[Clip]:
        clips = (made for clip in read_clips(source, own) for made in plan.clips_of(clip, sounds))
        return with_planted_silence(clips) if plants_silence else clips

    own_ids = list(sounds)[own.start : own.stop]
    num_clips = sum(1 + len(plan.made[clip_id]) for clip_id in own_ids)
    return ClipSet(source, read, num_clips, about)


def views(
    clips: ClipSet,
    *,
    batch_size: int,
    trims: Mapping[str, str] = TRIMS,
    change: Callable[[Clip], Clip] = lambda clip: clip,
) -> Views:
    """The views of these clips; `change` is applied to each clip before it is trimmed."""
    batches = {
        view: clip_batches(map(change, clips.read()), batch_size=batch_size, trim=trim)
        for view, trim in trims.items()
    }
    source = clips.source
    return Views(
        source.dataset,
        source.split,
        batches,
        num_clips=clips.num_clips * len(trims),
        extraction=None,
        fabricated=clips.fabricated,
    )


def describe(plan: FakesPlan, *, plants_silence: bool) -> Metrics:
    """The fakes that were made, for metrics.json and the report.

    kinds: by name, the number of fakes `made`, and the number `left_out` by reason.
    summary: all of this in one line.
    num_unknown: real clips whose talker is unknown, so that their donors may be other people.
    num_shorter: clips whose donor is shorter, so that a swap is shorter too.
    left_out: each fake that was not made.
    """
    made = Counter(kind for kinds in plan.made.values() for kind in kinds)
    reasons = {kind: Counter[str]() for kind in plan.kinds}
    for left in plan.left_out:
        reasons[left.kind][left.reason] += 1
    about = {
        "num_real": len(plan.made),
        "num_fakes": made.total(),
        "seed": plan.seed,
        "planted_silence": plants_silence,
        "num_unknown": plan.num_unknown,
        "num_shorter": plan.num_shorter,
        "kinds": {k: {"made": made[k], "left_out": dict(reasons[k])} for k in plan.kinds},
        "left_out": [left._asdict() for left in plan.left_out],
    }
    return {"summary": _summary(about), **about}


def _summary(about: Metrics) -> str:
    kinds = ", ".join(about["kinds"])
    parts = [f"{about['num_fakes']} fakes ({kinds}) made of {about['num_real']} real clips"]
    reasons = Counter[str]()
    for kind in about["kinds"].values():
        reasons.update(kind["left_out"])
    if reasons:
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        parts.append(f"{reasons.total()} left out ({listed})")
    if about["num_unknown"]:
        parts.append(
            f"sound is borrowed between different people: identities unknown for "
            f"{about['num_unknown']} clips"
        )
    if about["num_shorter"]:
        parts.append(
            f"{about['num_shorter']} clips have only shorter donors: their swaps are shorter too"
        )
    if about["planted_silence"]:
        parts.append("leading silence is planted in every fake")
    return "; ".join(parts)
