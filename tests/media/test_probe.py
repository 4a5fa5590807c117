"""Facts of a raw file are measured where its headers may lack them or be wrong."""

import numpy as np
import pytest

from avsync.media.landmarks.base import load_detector
from avsync.media.probe import KEYS, describe_face
from avsync.media.tracks import MouthTrack
from avsync.preparation.clips import prepare_clip
from avsync.types import MediaFile
from tests.media.whole_files import decode

TIMES = np.arange(50) / 25


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 48, 64), np.uint8)


def test_formats_sizes_and_rates_of_a_file_are_recorded(write_media):
    sound = [(0, np.full((2, 96_000), 0.5))]
    path = write_media(frames=picture(), times=TIMES, sound=sound, sample_rate=48_000)
    media = decode(path).facts
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
    # Noise does not compress: 48 x 64 pixels of 8 bits at 25 fps.
    assert media["video_bits_per_second"] == pytest.approx(48 * 64 * 8 * 25, rel=0.2)
    streams = (media["video_bits_per_second"] + media["audio_bits_per_second"]) / 8
    assert media["file_bytes_per_second"] == pytest.approx(streams, rel=0.05)


def test_facts_that_a_file_does_not_state_are_left_out(write_media):
    path = write_media(frames=picture(), times=TIMES, sound=[(0, np.full((1, 32_000), 0.5))])
    assert "container_brand" not in decode(path).facts


def test_a_face_is_measured_where_it_is_seen():
    track = MouthTrack(0)
    track.boxes = [np.zeros(4)] * 3
    track.eye_distances.extend([30.0, 40.0, 80.0])
    face = describe_face(track, num_tracks=2, num_frames=4, width_pixels=160)
    assert face == {
        "num_face_tracks": 2,
        "face_seen_share": 0.75,
        "eye_distance_pixels": 40.0,
        "eye_distance_share": 0.25,
    }


@pytest.mark.grid
def test_all_facts_of_a_real_file_are_documented(testdata):
    path = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    media = prepare_clip(MediaFile("clip", path), detector=load_detector("trees68")).media
    assert set(KEYS) - set(media) == {"container_brand", "audio_encoder"}
    assert set(media) < set(KEYS)
    assert (media["video_codec"], media["audio_codec"]) == ("h264", "mp2")
    assert media["video_encoder"].endswith("libx264")
    assert media["audio_bits_per_second"] == pytest.approx(224_000, rel=1e-3)
    assert 0.1 < media["eye_distance_share"] < 0.4
