"""What is recorded of a raw file: measured where headers may be silent or wrong."""

import numpy as np
import pytest

from avsync.media.clips import prepare_clip
from avsync.media.decode import decode
from avsync.media.landmarks.base import load_detector
from avsync.media.probe import KEYS, describe_face
from avsync.media.tracks import LEFT_EYE, Track
from avsync.types import MediaFile

TIMES = np.arange(50) / 25


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 48, 64), np.uint8)


def test_a_file_is_recorded_with_its_formats_sizes_and_rates(write_media):
    sound = [(0, np.zeros((2, 96_000)))]
    path = write_media(frames=picture(), times=TIMES, sound=sound, sample_rate=48_000)
    media = decode(path).media
    expected = {
        "container": "matroska,webm",
        "video_codec": "ffv1",
        "pixel_format": "gray",
        "width_pixels": 64,
        "height_pixels": 48,
        "audio_codec": "pcm_s16le",
        "sample_format": "s16",
        "num_audio_channels": 2,
        "sample_rate_hertz": 48_000,
        "audio_bits_per_second": 2 * 16 * 48_000,
        "video_seconds": 2.0,
        "audio_seconds": 2.0,
    }
    assert {key: media[key] for key in expected} == expected
    assert "Lavf" in media["container_encoder"]
    # Of noise no codec saves a bit: 48 x 64 pixels of 8 bits at 25 fps.
    assert media["video_bits_per_second"] == pytest.approx(48 * 64 * 8 * 25, rel=0.2)
    streams = (media["video_bits_per_second"] + media["audio_bits_per_second"]) / 8
    assert media["file_bytes_per_second"] == pytest.approx(streams, rel=0.05)


def test_what_a_file_does_not_tell_is_left_out(write_media):
    path = write_media(frames=picture(), times=TIMES, sound=[(0, np.zeros((1, 32_000)))])
    assert "container_brand" not in decode(path).media


def test_a_face_is_measured_where_it_is_seen():
    landmarks = np.full((4, 68, 2), np.nan)
    for index, distance in ((0, 30.0), (1, 40.0), (3, 80.0)):
        landmarks[index] = 0
        landmarks[index, LEFT_EYE] = (distance, 0)
    face = describe_face(Track(landmarks), num_tracks=2, width_pixels=160)
    assert face == {
        "num_face_tracks": 2,
        "face_seen_share": 0.75,
        "eye_distance_pixels": 40.0,
        "eye_distance_share": 0.25,
    }


@pytest.mark.grid
def test_the_record_of_a_real_file_has_documented_names_only(testdata):
    path = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    media = prepare_clip(MediaFile("clip", path), detector=load_detector("trees68")).media
    assert set(KEYS) - set(media) == {"container_brand", "audio_encoder"}
    assert set(media) < set(KEYS)
    assert (media["video_codec"], media["audio_codec"]) == ("h264", "mp2")
    assert media["video_encoder"].endswith("libx264")
    assert media["audio_bits_per_second"] == pytest.approx(224_000, rel=1e-3)
    assert 0.1 < media["eye_distance_share"] < 0.4
