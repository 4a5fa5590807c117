"""Fakes planned for any real clips: one talker only, the same bytes as before, all counted."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets import _fakes
from avsync.datasets.fabricate import NO_DONOR, TOO_LITTLE_SPEECH, TOO_SHORT
from avsync.types import FAKE, Clip
from tests.datasets.test_grid import builder, make_clip, make_prepared

ALL = tuple(_fakes.KINDS)


def make(prepared: dict[str, Clip], kinds: tuple[str, ...] = ALL, seed: int = 0) -> list[Clip]:
    plan = _fakes.plan_fakes(prepared, kinds=kinds, seed=seed)
    return [made for clip in prepared.values() for made in plan.clips_of(clip, prepared)]


def digest(clips: Iterable[Clip]) -> str:
    content = hashlib.sha256()
    for clip in clips:
        texts = (clip.clip_id, clip.label, clip.category, clip.manipulation, clip.identity)
        content.update(repr((*texts, clip.source_clip, clip.fake_segments)).encode())
        content.update(np.ascontiguousarray(clip.frames).tobytes() + clip.waveform.tobytes())
    return content.hexdigest()[:16]


def two_talkers_and_a_single_clip() -> dict[str, Clip]:
    return make_prepared(9) | {
        f"other{i}": make_clip(f"other{i}", identity=f"s{i + 2}") for i in (0, 1)
    }


# Made by the code of version 0.3, before fakes of other datasets: published numbers rest on them.
@pytest.mark.parametrize(
    ("config", "split", "expected"),
    [
        ("heldout", "test", "44162a7f03d586e2"),
        ("heldout", "test_planted", "724398a350988f09"),
        ("by_clip", "train_labelled", "d92d6a329b462382"),
        ("by_clip", "val_labelled", "47770fca63e5492c"),
        ("by_clip", "test", "4fba340a206e1bd1"),
    ],
)
def test_the_fakes_of_grid_are_those_of_earlier_versions(tmp_path, config, split, expected):
    clips = builder(tmp_path, two_talkers_and_a_single_clip(), config).clips()
    assert digest(clips[split]) == expected


def test_planned_fakes_are_those_of_grid_heldout(tmp_path: Path):
    prepared = make_prepared(5)
    grid = {c.clip_id: c for c in builder(tmp_path, prepared, "heldout").clips()["test"]}
    planned = {clip.clip_id: clip for clip in make(prepared)}
    assert planned.keys() == grid.keys()
    assert {name: digest([clip]) for name, clip in planned.items()} == {
        name: digest([clip]) for name, clip in grid.items()
    }


def test_fakes_depend_on_the_seed_alone():
    kinds = ("splice_0.8s",)
    assert digest(make(make_prepared(), kinds)) == digest(make(make_prepared(), kinds))
    assert digest(make(make_prepared(), kinds)) != digest(make(make_prepared(), kinds, seed=1))


def test_sound_is_swapped_within_one_talker():
    prepared = {f"{who}{i}": make_clip(f"{who}{i}", identity=who) for who in "ab" for i in range(4)}
    sounds = {clip.waveform.tobytes(): clip.identity for clip in prepared.values()}
    swapped = [clip for clip in make(prepared, ("swap",)) if clip.label == FAKE]
    assert len(swapped) == 8
    assert all(sounds[clip.waveform.tobytes()] == clip.identity for clip in swapped)


def test_the_only_clip_of_a_talker_borrows_no_sound_and_is_counted():
    prepared = make_prepared(2) | {"alone": make_clip("alone", identity="s9")}
    plan = _fakes.plan_fakes(prepared, kinds=("swap", "splice_0.4s", "freeze_0.8s", "both"))
    assert plan.made["alone"] == ("freeze_0.8s",)
    assert [(left.kind, left.reason) for left in plan.left_out] == [
        ("swap", NO_DONOR),
        ("splice_0.4s", NO_DONOR),
        ("both", NO_DONOR),
    ]


def test_clips_of_unknown_talkers_borrow_from_one_another_and_are_counted():
    plan = _fakes.plan_fakes(make_prepared(3, identity=""), kinds=("swap",))
    assert plan.num_unknown == 3
    assert all(made == ("swap",) for made in plan.made.values())


def test_fakes_that_are_not_possible_are_left_out_with_their_reason():
    short = make_clip("short")
    short = short.replace(frames=short.frames[:15], waveform=short.waveform[: 15 * 640])
    prepared = make_prepared(2) | {
        "short": short,
        "mumbler": make_clip("mumbler", speech=slice(9, 12)),
    }
    plan = _fakes.plan_fakes(prepared, kinds=("swap", "freeze_0.8s"))
    reasons = Counter((left.clip_id, left.kind, left.reason) for left in plan.left_out)
    assert reasons == {
        ("short", "freeze_0.8s", TOO_SHORT): 1,
        ("mumbler", "freeze_0.8s", TOO_LITTLE_SPEECH): 1,
    }


def test_a_donor_is_at_least_as_long_where_there_is_one():
    prepared = make_prepared(6)
    for name in ("clip0", "clip1", "clip2"):
        clip = prepared[name]
        prepared[name] = clip.replace(frames=clip.frames[:30], waveform=clip.waveform[: 30 * 640])
    lengths = {name: len(clip.frames) for name, clip in prepared.items()}
    swapped = [clip for clip in make(prepared, ("swap",)) if clip.label == FAKE]
    assert all(len(clip.frames) == lengths[clip.source_clip] for clip in swapped)
    assert _fakes.plan_fakes(prepared, kinds=("swap",)).num_shorter == 0


def test_clips_are_shortened_only_for_the_shifts_that_are_asked_for():
    assert {len(clip.frames) for clip in make(make_prepared(2), ("swap",))} == {40}
    assert {len(clip.frames) for clip in make(make_prepared(2), ("swap", "shift_5"))} == {35}


def test_fakes_are_never_made_of_fakes():
    clips = make(make_prepared(2), ("swap",))
    with pytest.raises(
        ValueError, match=r"2 of these 4 clips are labelled fake, such as clip0\+swap"
    ):
        _fakes.plan_fakes({clip.clip_id: clip for clip in clips}, kinds=("swap",))


def test_the_name_of_a_manipulation_means_all_its_kinds():
    assert _fakes.parse_kinds(["splice", "swap"]) == ("swap", "splice_0.4s", "splice_0.8s")
    assert _fakes.parse_kinds(["all"]) == ALL
    with pytest.raises(ValueError, match="unknown kind of fake: 'splise'; did you mean 'splice'"):
        _fakes.parse_kinds(["splise"])
