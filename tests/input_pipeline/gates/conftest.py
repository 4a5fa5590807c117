"""A split on disk with every fault that a gate looks for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import ClipBuilder, open_source
from avsync.evaluation.lines import Line
from avsync.input_pipeline.contents import read_facts
from avsync.types import Clip, Source
from avsync.units import CROP_PIXELS, SAMPLES_PER_FRAME

NUM_FRAMES = 12
LATE_FRAMES = 3

Write = Callable[[list[Clip]], Source]


def make_clip(clip_id: str, *, seed: int, late_frames: int = 0, eye_distance: float = 60) -> Clip:
    """Frame t has grey level t and audio level t; late sound is preceded by noise."""
    random = np.random.default_rng(seed)
    frames = np.zeros((NUM_FRAMES, CROP_PIXELS, CROP_PIXELS, 1), np.uint8)
    frames += np.arange(NUM_FRAMES, dtype=np.uint8)[:, None, None, None]
    frames[:, 0, 0] = seed  # beyond the central crop
    levels = np.concatenate([random.integers(100, 200, late_frames), np.arange(NUM_FRAMES)])
    waveform = np.repeat(levels[:NUM_FRAMES].astype(np.int16), SAMPLES_PER_FRAME)
    return Clip(clip_id, frames, waveform, media={"eye_distance_pixels": eye_distance})


def faulty_clips() -> list[Clip]:
    """Ten clips: "late" is out of sync, "small" has a small face, "twice" duplicates "clip2"."""
    clips = [make_clip(f"clip{i}", seed=i) for i in range(7)]
    twice = clips[2].replace(clip_id="twice")
    late = make_clip("late", seed=8, late_frames=LATE_FRAMES)
    return [*clips[:4], late, *clips[4:], twice, make_clip("small", seed=9, eye_distance=11.5)]


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """`write(clips)`: a dataset with the clips as its train split, the first two also as val."""

    def written(clips: list[Clip]) -> Source:
        class Builder(ClipBuilder, skip_registration=True):
            name = "faulty"
            REAL_ONLY_SPLITS = ("train", "val")

            def clips(self):
                return {"train": clips, "val": clips[:2]}

        data_dir: Path = tmp_path_factory.mktemp("data")
        Builder(data_dir=data_dir).write()
        return open_source("faulty", "train", data_dir=data_dir)

    return written


@pytest.fixture(scope="session")
def faulty(write: Write) -> Source:
    return write(faulty_clips())


def write_scores(path: Path, **offsets: tuple[int | None, float | None]) -> str:
    """A scores.jsonl of both views, where clips of the original view are in sync."""
    lines = [
        Line(clip_id, view, label=0, offset_frames=late, offset_margin=margin).to_json()
        for clip_id, found in offsets.items()
        for view, (late, margin) in {"original": (0, 0.0), "trimmed": found}.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


@pytest.fixture
def scores(tmp_path: Path, faulty: Source) -> str:
    in_sync = {clip.clip_id: (0, 0.0) for clip in read_facts(faulty)}
    return write_scores(tmp_path / "scores.jsonl", **{**in_sync, "late": (3, 1.25)})
