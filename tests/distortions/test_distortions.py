"""Each distortion: same shape, deterministic, alike for real clips and fakes, and no A/V offset."""

import functools

import numpy as np
import pytest

from avsync.config import files
from avsync.datasets.base import open_source
from avsync.distortions import base
from avsync.distortions.base import all_distortions, distort
from avsync.input_pipeline.clips import read_clips
from avsync.types import FAKE, Clip

GRID = base.require_grid(files.run(files.DISTORT, "standard"))
CELLS = [(name, strength) for name, strengths in GRID.items() for strength in strengths]
SINGLE = [(name, strengths[1]) for name, strengths in GRID.items()]

# A quarter of a frame, 10 ms.
MAX_OFFSET_FRAMES = 0.25

REACH_FRAMES = 5

# They move the mouth within the picture, so that the same place shows other parts of the face.
MOVING = ("zoom", "aspect", "shift", "rotation")

NUM_CLIPS = 4


@pytest.fixture(scope="module")
def clips(tiny_data) -> list[Clip]:
    source = open_source("synthetic_talkers/tiny", "val", data_dir=tiny_data)
    return list(read_clips(source, range(NUM_CLIPS)))


def correlations(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Of two signals [t n], `after` later by -REACH_FRAMES ... REACH_FRAMES."""
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    inner = slice(REACH_FRAMES, len(before) - REACH_FRAMES)
    moved = [
        np.roll(after, -late, axis=0)[inner] for late in range(-REACH_FRAMES, REACH_FRAMES + 1)
    ]
    return np.array([np.mean(before[inner] * other) for other in moved])


def cells(frames: np.ndarray) -> np.ndarray:
    """Grey levels of 12 x 12 pixels; one level for the whole picture is no lip movement."""
    means = frames.reshape(len(frames), 8, 12, 8, 12).mean(axis=(2, 4)).reshape(len(frames), -1)
    return means - means.mean(axis=1, keepdims=True)


def movement(frames: np.ndarray) -> np.ndarray:
    """The change from the frame before to the frame after, over the whole picture."""
    change = np.abs(frames[2:].astype(float) - frames[:-2]).mean(axis=(1, 2))
    return np.pad(change, [(1, 1), (0, 0)], "edge")


def peak(values: np.ndarray) -> float:
    """Where a parabola through the largest value and its neighbours is largest, from the centre."""
    at = int(np.argmax(values))
    if at in (0, len(values) - 1):
        return float(at - len(values) // 2)
    low, mid, high = values[at - 1 : at + 2]
    return at - len(values) // 2 + 0.5 * (low - high) / (low - 2 * mid + high)


def late_frames(before: list[Clip], after: list[Clip], name: str) -> float:
    """By how much a stream is later than before, in frames; no model is used."""
    pairs = list(zip(before, after, strict=True))
    if all_distortions()[name].stream == "audio":
        late = [late_samples(one.waveform, other.waveform) for one, other in pairs]
        return max(late, key=abs) / 640
    signal = movement if name in MOVING else cells
    return peak(sum(correlations(signal(a.frames), signal(b.frames)) for a, b in pairs))


def late_samples(before: np.ndarray, after: np.ndarray) -> int:
    size = 2 * len(before)
    one, other = (np.fft.rfft(x.astype(float), size) for x in (before, after))
    fit = np.fft.irfft(other * np.conj(one), size)
    at = int(np.argmax(fit))
    return at if at < size // 2 else at - size


@pytest.mark.parametrize(("name", "strength"), CELLS)
def test_no_distortion_moves_the_sound_against_the_picture(clips, name, strength):
    distorted = [distort(clip, name=name, strength=strength, seed=0) for clip in clips]
    late = late_frames(clips, distorted, name)
    assert abs(late) <= MAX_OFFSET_FRAMES, f"{late:+.2f} frames"


@pytest.mark.parametrize("name", ["brightness", "jitter", "white_noise"])
@pytest.mark.parametrize("late", [1, -2])
def test_a_stream_that_is_late_is_measured_to_be_so(clips, name, late):
    moved = [
        clip.replace(
            frames=np.roll(clip.frames, late, axis=0), waveform=np.roll(clip.waveform, 640 * late)
        )
        for clip in clips
    ]
    assert late_frames(clips, moved, name) == pytest.approx(late, abs=0.1)


@pytest.mark.parametrize(("name", "strength"), SINGLE)
def test_a_distortion_changes_one_stream_and_depends_on_clip_and_seed_alone(clips, name, strength):
    clip = clips[0]
    once, again = (distort(clip, name=name, strength=strength, seed=0) for _ in range(2))
    changed, kept = ("frames", "waveform")
    if all_distortions()[name].stream == "audio":
        changed, kept = kept, changed
    np.testing.assert_array_equal(getattr(once, changed), getattr(again, changed))
    np.testing.assert_array_equal(getattr(once, kept), getattr(clip, kept))
    assert not np.array_equal(getattr(once, changed), getattr(clip, changed))


@pytest.mark.parametrize("name", ["noise", "occlusion", "babble", "lost_packets", "jitter"])
def test_a_fake_is_distorted_as_its_real_clip_and_another_seed_differs(clips, name):
    real, strength = clips[0], GRID[name][1]
    fake = real.replace(
        clip_id=f"{real.clip_id}+swap", label=FAKE, category="RV-FA", source_clip=real.clip_id
    )
    of_real, of_fake = (
        distort(clip, name=name, strength=strength, seed=0) for clip in (real, fake)
    )
    np.testing.assert_array_equal(of_real.frames, of_fake.frames)
    np.testing.assert_array_equal(of_real.waveform, of_fake.waveform)
    other = distort(real, name=name, strength=strength, seed=1)
    assert not np.array_equal(of_real.frames, other.frames) or not np.array_equal(
        of_real.waveform, other.waveform
    )


@pytest.mark.parametrize("name", list(GRID))
def test_a_stronger_distortion_leaves_less_of_the_clip(clips, name):
    stream = "frames" if all_distortions()[name].stream == "visual" else "waveform"

    def error(strength: float) -> float:
        changed = [distort(clip, name=name, strength=strength, seed=0) for clip in clips]
        pairs = [
            (getattr(a, stream), getattr(b, stream)) for a, b in zip(clips, changed, strict=True)
        ]
        return float(np.mean([np.mean((a.astype(float) - b) ** 2) for a, b in pairs]))

    weak, *_, strong = GRID[name]
    if name != "gain":  # softer, then louder
        assert error(strong) > error(weak) > 0


def test_an_empty_clip_stays_empty(clips):
    empty = clips[0].replace(frames=clips[0].frames[:0], waveform=clips[0].waveform[:0])
    for name, strength in SINGLE:
        assert len(distort(empty, name=name, strength=strength, seed=0).frames) == 0


def test_a_silent_clip_survives_every_distortion(clips):
    silent = clips[0].replace(waveform=np.zeros_like(clips[0].waveform))
    run = functools.partial(distort, silent, seed=0)
    for name, strength in SINGLE:
        assert len(run(name=name, strength=strength).waveform) == len(silent.waveform)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"blurr": (1,)}, "unknown distortion: 'blurr'; did you mean 'blur'"),
        ({"jpeg": (0,)}, "jpeg: the strength must be between 1 and 100 (quality), got 0"),
        ({"blur": (1, 1)}, "blur: needs strengths that differ"),
        ({"blur": ()}, "blur: needs strengths that differ"),
        ([], "expected a dict of strengths by name"),
    ],
)
def test_a_wrong_grid_is_refused_with_the_reason(grid, message):
    with pytest.raises(ValueError) as error:
        base.require_grid(grid)
    assert message in str(error.value)


def test_the_standard_grid_has_every_distortion_at_three_strengths():
    assert GRID.keys() == all_distortions().keys()
    assert {len(strengths) for strengths in GRID.values()} == {3}
    medium = files.run(files.DISTORT, "standard:medium")
    assert medium == {name: (strengths[1],) for name, strengths in GRID.items()}
