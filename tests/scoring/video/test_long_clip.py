"""Long clips cut into pieces and realigned, on frames and samples that hold their own number."""

import numpy as np
import pytest

from avsync.scoring import OffsetRun
from avsync.scoring.video.long_clip import LongClip, realigned
from avsync.units import SAMPLES_PER_FRAME

FIRST_SAMPLES = slice(None, None, SAMPLES_PER_FRAME)


def numbered_clip(num_frames: int) -> LongClip:
    """Frame i has pixel i mod 251, and its sound is i."""
    frames = (np.arange(num_frames) % 251).astype(np.uint8)
    frames = np.broadcast_to(frames[:, None, None, None], (num_frames, 2, 2, 1))
    waveform = np.repeat(np.arange(num_frames, dtype=np.int16), SAMPLES_PER_FRAME)
    return LongClip(num_frames, lambda first, end: frames[first:end], waveform)


@pytest.mark.parametrize(("num_frames", "lengths"), [(74, [74]), (112, [112]), (151, [75, 76])])
def test_pieces_have_about_the_wanted_length_and_make_up_the_clip(num_frames, lengths):
    clip = numbered_clip(num_frames)
    pieces = clip.pieces(75)
    assert [piece.clip.num_frames for piece in pieces] == lengths
    assert [piece.end - piece.first for piece in pieces] == lengths
    sound = np.concatenate([piece.clip.waveform for piece in pieces])
    np.testing.assert_array_equal(sound, clip.waveform)
    pixels = np.concatenate([piece.clip.read(0, piece.clip.num_frames) for piece in pieces])
    np.testing.assert_array_equal(pixels, clip.read(0, num_frames))


@pytest.mark.parametrize(("offset", "first_frame", "first_sound"), [(5, 0, 5), (-5, 5, 0)])
def test_realigning_pairs_each_frame_with_the_sound_at_the_offset(offset, first_frame, first_sound):
    clip, source_frames = realigned(numbered_clip(100), [OffsetRun(0, 100, offset)])
    assert clip.num_frames == len(source_frames) == 95
    assert source_frames[0] == first_frame
    assert clip.read(0, 1)[0, 0, 0, 0] == first_frame
    assert clip.read(94, 95)[0, 0, 0, 0] == first_frame + 94
    assert clip.waveform[0] == first_sound
    assert clip.waveform[-1] == first_sound + 94


@pytest.mark.parametrize("offset", [6, -6])
def test_each_run_is_realigned_by_its_own_offset(offset):
    runs = [OffsetRun(0, 50, 0), OffsetRun(50, 100, offset)]
    clip, source_frames = realigned(numbered_clip(100), runs)
    frames = [*range(50), *range(50, 94 if offset > 0 else 100)]
    assert source_frames.tolist() == frames
    assert clip.read(0, len(frames))[:, 0, 0, 0].tolist() == frames
    assert clip.read(40, 60)[:, 0, 0, 0].tolist() == frames[40:60]
    sound = clip.waveform[FIRST_SAMPLES]
    np.testing.assert_array_equal(sound, [i if i < 50 else i + offset for i in frames])


def test_speech_moves_with_the_sound():
    counts = np.arange(100) >= 60
    clip = numbered_clip(100)._replace(counts=counts)
    late, _ = realigned(clip, [OffsetRun(0, 100, 5)])
    early, _ = realigned(clip, [OffsetRun(0, 100, -5)])
    assert (late.counts is not None, early.counts is not None) == (True, True)
    assert np.flatnonzero(late.counts).tolist() == list(range(55, 95))
    assert np.flatnonzero(early.counts).tolist() == list(range(60, 95))
    assert clip.cut(50, 70).counts.tolist() == [False] * 10 + [True] * 10


def test_a_clip_shorter_than_its_offset_is_empty_after_realignment():
    clip, source_frames = realigned(numbered_clip(4), [OffsetRun(0, 4, -5)])
    assert clip.num_frames == len(source_frames) == len(clip.waveform) == 0
