"""Clips that are faked or changed on the way to the model, beside those that are read as stored."""

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.evaluation import clip_sets
from avsync.input_pipeline.clips import clip_batches, read_clips, read_sounds
from avsync.input_pipeline.evaluation import eval_batches
from avsync.types import REAL, SplitEdits

DATASET = "synthetic_talkers/tiny"


def test_unchanged_clips_are_batched_as_the_pipeline_batches_them(tiny_data):
    source = open_source(DATASET, "test", data_dir=tiny_data)
    for trim in ("none", "leading"):
        stored = list(eval_batches(source, batch_size=4, trim=trim))
        clips = read_clips(source, range(source.num_clips))
        read = list(clip_batches(clips, batch_size=4, trim=trim))
        assert [batch.infos for batch in read] == [batch.infos for batch in stored]
        for one, other in zip(read, stored, strict=True):
            shortest = min(one.batch.valid.shape[1], other.batch.valid.shape[1])
            for left, right in ((one.batch, other.batch), (other.batch, one.batch)):
                assert not left.valid[:, shortest:].any()
                np.testing.assert_array_equal(left.visual[:, :shortest], right.visual[:, :shortest])
                np.testing.assert_array_equal(
                    left.audio[:, : shortest * 640], right.audio[:, : shortest * 640]
                )


@pytest.mark.parametrize("late", [2, -3])
def test_sound_is_moved_alike_in_clips_sounds_and_batches(tiny_data, late):
    source = open_source(DATASET, "test", data_dir=tiny_data)
    moved = source._replace(edits=SplitEdits(corpus_late_frames=late))
    clip, before = (next(iter(read_clips(x, range(1)))) for x in (moved, source))
    num_left = len(before.frames) - abs(late)
    pictures = slice(max(-late, 0), max(-late, 0) + num_left)
    samples = slice(640 * max(late, 0), 640 * (max(late, 0) + num_left))
    np.testing.assert_array_equal(clip.frames, before.frames[pictures])
    np.testing.assert_array_equal(clip.waveform, before.waveform[samples])
    sound = read_sounds(moved, limit=1)[clip.clip_id]
    np.testing.assert_array_equal(sound.waveform, clip.waveform)
    batch, infos = next(iter(eval_batches(moved, batch_size=1, trim="none")))
    np.testing.assert_array_equal(batch.audio[0, : 640 * num_left], clip.waveform)
    assert infos[0].num_frames == num_left


def test_forged_segments_keep_to_the_picture_that_is_moved(tiny_data):
    source = open_source(DATASET, "test", data_dir=tiny_data)
    moved = source._replace(edits=SplitEdits(corpus_late_frames=-5))  # 0.2 s of picture are cut
    clips = zip(read_clips(source, range(6)), read_clips(moved, range(6)), strict=True)
    spans = [(a.fake_segments, b.fake_segments) for a, b in clips if a.fake_segments]
    assert spans
    for before, after in spans:
        expected = [(max(start - 0.2, 0), max(end - 0.2, 0)) for start, end in before]
        assert np.allclose(after, expected, atol=1e-6)


def test_fakes_follow_their_real_clips_in_both_views_and_are_counted(tiny_data):
    source = open_source(DATASET, "val", data_dir=tiny_data)
    made = clip_sets.fabricated(
        source, kinds=("swap", "shift_2"), seed=0, plants_silence=False, limit=3
    )
    views = clip_sets.views(made, batch_size=4)
    assert views.fabricated is not None
    for batches in views.batches.values():
        infos = [info for batch in batches for info in batch.infos]
        assert sum(info.label == REAL for info in infos) == 3
        assert len(infos) == made.num_clips == 3 + views.fabricated["num_fakes"]
    assert views.num_clips == 2 * made.num_clips
    counted = views.fabricated["kinds"]
    assert counted["shift_2"] == {"made": 3, "left_out": {}}
    assert counted["swap"]["made"] + sum(counted["swap"]["left_out"].values()) == 3


def test_planted_silence_is_at_the_start_of_fakes_only(tiny_data):
    source = open_source(DATASET, "val", data_dir=tiny_data)
    made = clip_sets.fabricated(source, kinds=("shift_2",), seed=0, plants_silence=True, limit=2)
    for clip in made.read():
        assert (not clip.waveform[:640].any()) == (clip.label != REAL)
    assert made.fabricated is not None
    assert "leading silence is planted" in made.fabricated["summary"]


def test_a_split_with_fakes_cannot_be_faked(tiny_data):
    source = open_source(DATASET, "test", data_dir=tiny_data)
    with pytest.raises(ValueError, match=r"fakes are made from real clips, but \d+ of these"):
        clip_sets.fabricated(source, kinds=("swap",), seed=0, plants_silence=False, limit=None)


def test_clips_are_changed_before_they_are_trimmed(tiny_data):
    source = open_source(DATASET, "val", data_dir=tiny_data)
    clips = clip_sets.stored(source, limit=1)

    def silence_first_second(clip):
        waveform = clip.waveform.copy()
        waveform[: 25 * 640] = 0
        waveform[25 * 640] = 9000
        return clip.replace(waveform=waveform)

    (batch,) = clip_sets.views(
        clips, batch_size=1, trims={"trimmed": "leading"}, change=silence_first_second
    ).batches["trimmed"]
    (stored,) = read_clips(source, range(1))
    assert batch.infos[0].num_frames == len(stored.frames) - 26
