"""One raw file becomes one clip: the timing of its crops, its labels and facts, its rejects."""

from pathlib import Path

import av
import numpy as np
import pytest

from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.mouth_crop import crop_mouths, fill_missing
from avsync.media.rejects import Reject
from avsync.media.scene_cuts import mark_cuts
from avsync.preparation.clips import prepare_clip
from avsync.types import MediaFile
from tests.media.conftest import write_media
from tests.media.test_tracks import DrawnFaces, draw, still, talking
from tests.media.whole_files import decode, landmarks_of_faces

__all__ = ["write_media"]  # a fixture

pytestmark = pytest.mark.grid


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return load_detector("trees68")


@pytest.fixture(scope="module")
def speaker(testdata: Path) -> tuple[np.ndarray, np.ndarray]:
    """Grey frames at 25 fps and samples [1 s] at 44.1 kHz of a real clip of 3 s."""
    with av.open(str(testdata / "grid_s1" / "video" / "bbaf2n.mkv")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with av.open(str(testdata / "grid_s1" / "video" / "bbaf2n.mkv")) as container:
        sound = [frame.to_ndarray()[:1] / 32_768 for frame in container.decode(audio=0)]
    return np.stack(frames), np.concatenate(sound, axis=1)


def prepare(path: Path, detector: FaceDetector, **known):
    return prepare_clip(MediaFile("clip", path, **known), detector=detector)


def test_a_clip_at_30_fps_gives_the_crops_of_one_at_25_fps(write_media, speaker, detector):
    frames, sound = speaker
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
    # An error of one frame would show: consecutive crops of the clip differ by more.
    assert np.abs(at_25[1:] - at_30[:-1]).mean() > 1


def test_audio_that_starts_late_stays_in_sync(write_media, speaker, detector):
    frames, sound = speaker
    cut = detector.detect_every  # faces are detected in the same frames of both files
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
    # The frames without sound are dropped, and the remaining ones are equal.
    np.testing.assert_array_equal(late.frames[:35], in_time.frames[cut : cut + 35])
    heard, expected = (x.waveform.astype(int) for x in (late, in_time))
    expected = expected[cut * 640 :]
    assert np.abs(heard[640:25_600] - expected[640:25_600]).max() < 10


def test_fake_segments_move_with_the_frames_that_are_cut(write_media, speaker, detector):
    frames, sound = speaker
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


def test_a_face_at_the_side_of_a_wide_frame_is_found(write_media, speaker, detector):
    frames, sound = speaker
    wide = np.full((75, 288, 720), 90, np.uint8)
    wide[:, :, 360:] = frames
    clip = prepare(
        write_media(frames=wide, times=np.arange(75) / 25, sound=[(0, sound)], sample_rate=44_100),
        detector,
    )
    assert clip.media["num_face_tracks"] == 1
    assert clip.media["face_seen_share"] == 1


def test_crops_of_another_speaker_show_the_mouth_in_the_middle(testdata, detector):
    path = sorted((testdata / "grid_speakers").glob("*.mpg"))[-1]
    clip = prepare(path, detector)
    assert clip.media["face_seen_share"] == 1
    assert clip.media["length_difference_seconds"] == pytest.approx(-0.022, abs=1e-3)
    # Lips move: change over time is strongest around the middle of the crop.
    change = clip.frames[..., 0].astype(float).std(axis=0)
    middle = change[36:60, 30:66].mean()
    assert middle > 1.5 * change[:24].mean()


@pytest.mark.parametrize(
    "face",
    [
        talking(0, 60),
        still(9, 60),
        still(0, 48),
        still(0, 59),
        still(20, 55),
        still(0, 20) | still(31, 50),
    ],
    ids=["whole", "late", "early", "last frame", "both ends", "gap"],
)
def test_the_nearest_landmarks_are_used_where_the_face_is_not_seen(write_media, face):
    frames = draw(60, face)
    sound = [(0, np.full((1, 60 * 640), 0.5))]
    path = write_media(frames=frames, times=np.arange(60) / 25, sound=sound)
    tracks = landmarks_of_faces(frames, DrawnFaces())
    longest = max(tracks, key=lambda track: np.sum(~np.isnan(track)))
    expected = crop_mouths(frames, fill_missing(longest))
    np.testing.assert_array_equal(prepare(path, DrawnFaces()).frames, expected)


def test_a_face_seen_in_less_than_half_of_the_frames_is_rejected(write_media):
    sound = [(0, np.full((1, 50 * 640), 0.5))]
    path = write_media(frames=draw(50, still(0, 20)), times=np.arange(50) / 25, sound=sound)
    with pytest.raises(Reject, match="face_lost: the face is seen in 20 of 50 frames"):
        prepare(path, DrawnFaces(detect_every=5))


def test_a_cut_that_leaves_no_face_for_half_of_the_frames_is_the_reason(write_media):
    shots = still(0, 20, x=20) | still(20, 40, x=120, who=1) | still(40, 60, x=20)
    sound = [(0, np.full((1, 60 * 640), 0.5))]
    path = write_media(frames=draw(60, shots), times=np.arange(60) / 25, sound=sound)
    with pytest.raises(Reject, match="scene_cut: between scene cuts, no face is seen in more than"):
        prepare(path, DrawnFaces(detect_every=5))


def test_a_jolt_of_the_camera_ends_no_face(write_media, speaker, detector):
    frames, sound = speaker
    jolted = np.concatenate([frames[:37, 16:, 16:], frames[37:, :-16, :-16]])
    assert sum(shot.begins_scene for shot in mark_cuts(jolted)) == 1
    path = write_media(
        frames=jolted, times=np.arange(75) / 25, sound=[(0, sound)], sample_rate=44_100
    )
    clip = prepare(path, detector)
    assert (clip.media["num_face_tracks"], clip.media["face_seen_share"]) == (1, 1)


def test_a_cut_to_another_talker_ends_the_face(write_media, speaker, detector, testdata):
    frames, sound = speaker
    other = decode(testdata / "grid_speakers" / "brbk7n.mpg").frames
    spliced = np.concatenate([frames[:25], other[:50]])
    path = write_media(
        frames=spliced, times=np.arange(75) / 25, sound=[(0, sound)], sample_rate=44_100
    )
    clip = prepare(path, detector)
    assert clip.media["num_face_tracks"] == 2
    # The sound ends within the last frame, which is left out.
    assert clip.media["face_seen_share"] == pytest.approx(49 / 74, abs=1e-6)


def test_a_still_picture_of_a_face_does_not_hide_the_face_that_talks(write_media):
    # Its landmarks move more, as those of a picture can, but not the pixels of its lips.
    quiet = {index: (120, 30, 20 * (index % 2), 0) for index in range(2, 60)}
    frames = draw(60, talking(0, 60, x=20), quiet)
    frames[:, 54:90, 20:60] = frames[0, 54:90, 20:60]
    sound = [(0, np.full((1, 60 * 640), 0.5))]
    clip = prepare(write_media(frames=frames, times=np.arange(60) / 25, sound=sound), DrawnFaces())
    assert clip.media["face_seen_share"] == pytest.approx(58 / 60, abs=1e-6)


def test_the_face_whose_mouth_moves_is_cropped(write_media):
    frames = draw(60, still(0, 60), talking(0, 55, x=120))
    sound = [(0, np.full((1, 60 * 640), 0.5))]
    clip = prepare(write_media(frames=frames, times=np.arange(60) / 25, sound=sound), DrawnFaces())
    assert clip.media["num_face_tracks"] == 2
    assert clip.media["face_seen_share"] == pytest.approx(55 / 60, abs=1e-6)


def test_a_video_without_a_face_is_rejected(write_media, speaker, detector):
    _, sound = speaker
    flat = np.full((75, 288, 360), 128, np.uint8)
    path = write_media(
        frames=flat, times=np.arange(75) / 25, sound=[(0, sound)], sample_rate=44_100
    )
    with pytest.raises(Reject, match="no_face"):
        prepare(path, detector)


def test_a_clip_below_the_silence_threshold_is_rejected(write_media, speaker, detector):
    frames, sound = speaker
    path = write_media(
        frames=frames, times=np.arange(75) / 25, sound=[(0, sound * 4e-4)], sample_rate=44_100
    )
    with pytest.raises(Reject, match="all_silent"):
        prepare(path, detector)


def test_an_unknown_detector_names_the_nearest_known_one():
    with pytest.raises(ValueError, match="did you mean 'dlib68'"):
        load_detector("dlib86")
