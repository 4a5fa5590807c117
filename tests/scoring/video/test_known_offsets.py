"""Real clips whose sound was moved by a known number of frames, scored by the shipped model."""

from pathlib import Path

import numpy as np
import pytest

from avsync import build, checkpoint, pretrained
from avsync.media.landmarks.base import load_detector
from avsync.preparation.clips import prepare_clip
from avsync.scoring.video.clip_scorer import ClipScorer
from avsync.scoring.video.joint_scores import JointScores
from avsync.scoring.video.long_clip import LongClip
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.trimming import kept_frames
from avsync.types import MediaFile
from avsync.units import SAMPLES_PER_FRAME

# 4 of the 100 clips that the model was not trained on.
HELD_OUT = ("sgav6p", "sbbu1s", "lrak8p", "bbbz8n")


@pytest.fixture(scope="module")
def clip_scorer() -> ClipScorer:
    place = checkpoint.find(pretrained.GRID)
    reference = Reference(checkpoint.read_calibration(*place), false_alarm_rate=0.05)
    return ClipScorer(build.load_scorer(*place, extraction=None), reference)


@pytest.fixture(scope="module")
def clips(testdata: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crops and sound, trimmed."""
    detector = load_detector("trees68")
    paths = [testdata / "grid_s1" / "video" / f"{name}.mkv" for name in HELD_OUT]
    trimmed = []
    for path in paths:
        clip = prepare_clip(MediaFile(path.stem, path), detector=detector)
        first = kept_frames(clip.waveform, rule="leading").start
        sound = clip.waveform[first * SAMPLES_PER_FRAME :]
        trimmed.append((clip.frames[first:, 4:92, 4:92], sound))
    return trimmed


def score(clip_scorer: ClipScorer, frames: np.ndarray, sound: np.ndarray) -> JointScores:
    """Scores of the part that has both frames and sound."""
    num_frames = min(len(frames), len(sound) // SAMPLES_PER_FRAME)
    sound = sound[: num_frames * SAMPLES_PER_FRAME]
    clip = LongClip(num_frames, lambda first, end: frames[first:end], sound)
    return clip_scorer.score([clip], heard=[clip_scorer.hear(clip)])


@pytest.mark.grid
def test_sound_moved_by_3_5_and_8_frames_is_found_there(clip_scorer, clips):
    errors = []
    for frames, sound in clips:
        for late in (3, 5, 8):
            samples = late * SAMPLES_PER_FRAME
            errors.append(score(clip_scorer, frames[late:], sound).best.frames - late)
            errors.append(score(clip_scorer, frames, sound[samples:]).best.frames + late)
    assert np.mean(np.abs(errors) <= 1) >= 0.9


@pytest.mark.grid
def test_sound_moved_by_a_part_of_a_frame_is_found_within_10_ms(clip_scorer, clips):
    errors = []
    for frames, sound in clips:
        inside = slice(3 * SAMPLES_PER_FRAME, -3 * SAMPLES_PER_FRAME)
        unmoved = score(clip_scorer, frames[3:-3], sound[inside]).best.exact_frames
        for samples in (-800, 160, 320):
            late = np.roll(sound, samples)[inside]
            moved = score(clip_scorer, frames[3:-3], late).best.exact_frames
            errors.append(1000 * ((moved - unmoved) / 25 - samples / 16_000))
    assert np.abs(errors).mean() < 10
    assert abs(np.mean(errors)) < 3


@pytest.mark.grid
def test_a_file_whose_second_sentence_is_late_has_one_offset_per_sentence(clip_scorer, clips):
    by_clip = []
    for pair in zip(clips, [*clips[1:], clips[0]], strict=True):
        (frames, sound), (others, other_sound) = pair
        cut = np.concatenate([frames, others[6:]])
        heard = np.concatenate([sound[: len(frames) * SAMPLES_PER_FRAME], other_sound])
        (runs,) = score(clip_scorer, cut, heard).offsets
        by_clip.append(runs)
    halves = [runs for runs in by_clip if len(runs) == 2]
    assert len(halves) >= 3
    for first, second in halves:
        assert abs(first.offset_frames) <= 1
        assert abs(second.offset_frames - 6) <= 1
