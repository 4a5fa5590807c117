"""Real clips: the timing of the crops, what is rejected, and what is recorded."""

from pathlib import Path

import av
import numpy as np
import pytest

from avsync.media.clips import prepare_clip
from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.rejects import Reject
from avsync.types import MediaFile

pytestmark = pytest.mark.grid


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return load_detector("trees68")


@pytest.fixture(scope="module")
def talker(testdata: Path) -> tuple[np.ndarray, np.ndarray]:
    """Grey frames at 25 fps and sound at 44.1 kHz, [1 s], of a real clip of 3 s."""
    with av.open(str(testdata / "grid_s1" / "video" / "bbaf2n.mkv")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with av.open(str(testdata / "grid_s1" / "video" / "bbaf2n.mkv")) as container:
        sound = [frame.to_ndarray()[:1] / 32_768 for frame in container.decode(audio=0)]
    return np.stack(frames), np.concatenate(sound, axis=1)


def prepare(path: Path, detector: FaceDetector, **known):
    return prepare_clip(MediaFile("clip", path, **known), detector=detector)


def test_a_clip_at_30_fps_gives_the_crops_of_the_same_clip_at_25(write_media, talker, detector):
    frames, sound = talker
    at_30 = np.arange(90) / 30
    shown = np.round(at_30 * 25).astype(int).clip(max=len(frames) - 1)
    options = {"sound": [(0, sound)], "sample_rate": 44_100}
    crops = [
        prepare(write_media(frames=frames[index], times=times, **options), detector).frames
        for index, times in ((np.arange(75), np.arange(75) / 25), (shown, at_30))
    ]
    assert abs(len(crops[0]) - len(crops[1])) <= 1
    at_25, at_30 = (crop[:70].astype(float) for crop in crops)
    assert np.abs(at_25 - at_30).mean() < 0.5
    # An error of one frame would be seen: the clip's own crops a frame apart differ by more.
    assert np.abs(at_25[1:] - at_30[:-1]).mean() > 1


def test_a_late_start_of_the_sound_is_honoured(write_media, talker, detector):
    frames, sound = talker
    cut = detector.detect_every  # so many that faces are detected in the same frames of both
    start = cut / 25
    late_sound = np.concatenate([sound[:, round(start * 44_100) :], sound[:, :39_000]], axis=1)
    in_time, late = (
        prepare(
            write_media(frames=frames, times=np.arange(75) / 25, sound=[piece], sample_rate=44_100),
            detector,
        )
        for piece in ((0.0, sound), (start, late_sound))
    )
    assert late.media["num_leading_frames_cut"] == cut
    # The frames without sound are gone from both, and what is left is the same.
    np.testing.assert_array_equal(late.frames[:35], in_time.frames[cut : cut + 35])
    heard, expected = (x.waveform.astype(int) for x in (late, in_time))
    expected = expected[cut * 640 :]
    assert np.abs(heard[640:25_600] - expected[640:25_600]).max() < 10


def test_forged_stretches_move_with_the_frames_that_are_cut(write_media, talker, detector):
    frames, sound = talker
    path = write_media(
        frames=frames,
        times=np.arange(75) / 25,
        sound=[(0.16, sound[:, 7_056:])],
        sample_rate=44_100,
    )
    clip = prepare(
        path,
        detector,
        label=1,
        category="RV-FA",
        manipulation="splice",
        source_clip="original",
        fake_segments=((0.0, 0.1), (0.1, 0.5), (2.0, 9.0)),
    )
    assert clip.fake_segments == (
        (0.0, pytest.approx(0.34)),
        (pytest.approx(1.84), len(clip.frames) / 25),
    )
    assert (clip.label, clip.category, clip.source_clip) == (1, "RV-FA", "original")


def test_a_face_at_the_side_of_a_wide_picture_is_found(write_media, talker, detector):
    frames, sound = talker
    wide = np.full((75, 288, 720), 90, np.uint8)
    wide[:, :, 360:] = frames
    clip = prepare(
        write_media(frames=wide, times=np.arange(75) / 25, sound=[(0, sound)], sample_rate=44_100),
        detector,
    )
    assert clip.media["num_face_tracks"] == 1
    assert clip.media["face_seen_share"] == 1


def test_other_talkers_are_found_upright_with_the_mouth_in_the_middle(testdata, detector):
    path = sorted((testdata / "grid_speakers").glob("*.mpg"))[-1]
    clip = prepare(path, detector)
    assert clip.media["face_seen_share"] == 1
    assert clip.media["length_difference_seconds"] == pytest.approx(-0.022, abs=1e-3)
    # Lips move where the mouth is: change over time is strongest around the middle of the crop.
    change = clip.frames[..., 0].astype(float).std(axis=0)
    middle = change[36:60, 30:66].mean()
    assert middle > 1.5 * change[:24].mean()


def test_a_picture_without_a_face_is_rejected(write_media, talker, detector):
    _, sound = talker
    flat = np.full((75, 288, 360), 128, np.uint8)
    path = write_media(
        frames=flat, times=np.arange(75) / 25, sound=[(0, sound)], sample_rate=44_100
    )
    with pytest.raises(Reject, match="no_face"):
        prepare(path, detector)


def test_a_clip_below_the_silence_threshold_is_rejected(write_media, talker, detector):
    frames, sound = talker
    path = write_media(
        frames=frames, times=np.arange(75) / 25, sound=[(0, sound * 4e-4)], sample_rate=44_100
    )
    with pytest.raises(Reject, match="all_silent"):
        prepare(path, detector)


def test_a_detector_that_does_not_exist_lists_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'dlib68'"):
        load_detector("dlib86")
