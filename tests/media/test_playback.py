"""What browsers play: the file itself, or a preview with all of its frames and its sound."""

import io

import av
import numpy as np
import pytest

from avsync.media import playback
from avsync.media.playback import read_playback
from tests.media.conftest import write_media

__all__ = ["write_media"]

TIMES = np.array([0, 0.04, 0.08, 0.2, 0.24, 0.6])


@pytest.fixture
def turned_file(write_media):
    """An MKV file of grey frames, each brighter than the last; its sound starts with a click."""
    frames = np.repeat(np.arange(20, 240, 40, np.uint8)[:, None, None], 64, axis=1).repeat(
        48, axis=2
    )
    sound = np.zeros((1, 16_000))
    return write_media(frames=frames, times=TIMES + 0.5, sound=[(0.5, sound)], rotation=90)


def test_a_preview_has_all_frames_upright_at_their_times_and_the_sound_that_was_scored(turned_file):
    waveform = np.zeros(16_000, np.int16)
    waveform[8_000:8_160] = 20_000
    found = read_playback(turned_file, audio_track=None, waveform=waveform, start_seconds=0.0)
    assert (found.kind, found.mime, found.delay_seconds) == ("preview", "video/mp4", 0.0)
    assert found.size == (64, 48)
    assert found.first_image.shape == (48, 64, 3)
    with av.open(io.BytesIO(found.data)) as container:
        pictures = list(container.decode(video=0))
    assert [frame.time for frame in pictures] == pytest.approx(TIMES.tolist())
    assert (pictures[0].width, pictures[0].height) == (64, 48)
    levels = [frame.to_ndarray(format="gray").mean() for frame in pictures]
    assert levels == pytest.approx(np.arange(20, 240, 40).tolist(), abs=4)
    with av.open(io.BytesIO(found.data)) as container:
        parts = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    loudest = max((abs(part).max(), time + abs(part).argmax() / 16_000) for time, part in parts)
    assert loudest[1] == pytest.approx(0.505, abs=0.01)


def test_a_preview_of_a_long_file_would_be_too_large(turned_file, monkeypatch):
    monkeypatch.setattr(playback, "MAX_PREVIEW_SECONDS", 0.5)
    waveform = np.zeros(16_000, np.int16)
    found = read_playback(turned_file, audio_track=None, waveform=waveform, start_seconds=0.0)
    assert (found.kind, found.data) == ("none", b"")


def test_an_mp4_file_that_browsers_play_is_embedded_or_linked(tmp_path, monkeypatch, turned_file):
    waveform = np.zeros(16_000, np.int16)
    preview = read_playback(turned_file, audio_track=None, waveform=waveform, start_seconds=0.0)
    path = tmp_path / "clip.mp4"
    path.write_bytes(preview.data)
    found = read_playback(path, audio_track=None, waveform=waveform, start_seconds=0.0)
    assert (found.kind, found.data, found.mime) == ("original", preview.data, "video/mp4")
    monkeypatch.setattr(playback, "MAX_EMBEDDED_BYTES", 100)
    found = read_playback(path, audio_track=None, waveform=waveform, start_seconds=0.0)
    assert (found.kind, found.data) == ("linked", b"")
