"""Real clips whose sound was moved by a known number of frames, by the scorer of the package."""

from pathlib import Path

import numpy as np
import pytest

from avsync import build, checkpoint, pretrained
from avsync.media.landmarks.base import load_detector
from avsync.pp import silence
from avsync.preparation.clips import prepare_clip
from avsync.scoring.video.judging import Judge, Judgement
from avsync.scoring.video.windows import LongClip
from avsync.types import MediaFile
from avsync.units import SAMPLES_PER_FRAME

# Of the 100 clips that it was not trained on.
HELD_OUT = ("sgav6p", "sbbu1s", "lrak8p", "bbbz8n")


@pytest.fixture(scope="module")
def judge() -> Judge:
    scorer = build.load_scorer(*checkpoint.find(pretrained.GRID), extraction=None)
    return Judge(scorer, piece_frames=None)


@pytest.fixture(scope="module")
def clips(testdata: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crops and sound, trimmed."""
    detector = load_detector("dlib68")
    paths = [testdata / "grid_s1" / "video" / f"{name}.mkv" for name in HELD_OUT]
    found = []
    for path in paths:
        clip = prepare_clip(MediaFile(path.stem, path), detector=detector)
        first = silence.kept_frames(clip.waveform, name="leading").start
        sound = clip.waveform[first * SAMPLES_PER_FRAME :]
        found.append((clip.frames[first:, 4:92, 4:92], sound))
    return found


def judged(judge: Judge, frames: np.ndarray, sound: np.ndarray) -> Judgement:
    """Of as many frames as have sound."""
    num_frames = min(len(frames), len(sound) // SAMPLES_PER_FRAME)
    sound = sound[: num_frames * SAMPLES_PER_FRAME]
    clip = LongClip(num_frames, lambda first, end: frames[first:end], sound)
    return judge.judge([clip], logits=[judge.logits(clip)])


@pytest.mark.grid
def test_sound_moved_by_3_5_and_8_frames_is_found_where_it_is(judge, clips):
    errors = []
    for frames, sound in clips:
        for late in (3, 5, 8):
            samples = late * SAMPLES_PER_FRAME
            errors.append(judged(judge, frames[late:], sound).offset_frames - late)
            errors.append(judged(judge, frames, sound[samples:]).offset_frames + late)
    assert np.mean(np.abs(errors) <= 1) >= 0.9


@pytest.mark.grid
def test_a_clip_whose_second_half_is_late_is_told_by_its_halves(judge, clips):
    found = []
    for frames, sound in clips:
        middle = len(frames) // 2
        cut = np.concatenate([frames[:middle], frames[middle + 6 :]])
        (stretches,) = judged(judge, cut, sound).offsets
        found.append(stretches)
    halves = [stretches for stretches in found if len(stretches) == 2]
    assert len(halves) >= 3
    for first, second in halves:
        assert abs(first.offset_frames) <= 1
        assert abs(second.offset_frames - 6) <= 1
