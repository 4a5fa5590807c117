"""A face that streams by in chunks has the distances of one that is embedded at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.models.frontend import mfcc
from avsync.models.syncnet import CEPSTRA_PER_FRAME, WINDOW_CEPSTRA
from avsync.scoring.video.lse_stream import (
    CHUNK_SAMPLES,
    CHUNK_WINDOWS,
    LseStream,
    Network,
    chunk_cepstra,
    num_windows,
)
from tests.scoring.video.simple_network import (
    SIMPLE,
    at_once,
    embedded_faces,
    embedded_sound,
)


def streamed(network: Network, greys: np.ndarray, waveform: np.ndarray) -> LseStream:
    stream = LseStream(network, waveform)
    for grey in greys:
        stream.add(np.full((224, 224, 3), grey, np.uint8))
    return stream


@pytest.mark.parametrize("num_frames", [6, 29, 30, 31, 55, 56, 90])
def test_chunks_change_no_distance(num_frames):
    rng = np.random.default_rng(num_frames)
    greys = rng.integers(0, 256, num_frames)
    waveform = rng.integers(1, 256, num_frames).repeat(640).astype(np.int16)
    stream = streamed(SIMPLE, greys, waveform)
    assert stream.is_complete
    assert stream.num_windows == num_frames - 5
    expected = at_once(embedded_faces(greys[:-5]), embedded_sound(waveform))
    np.testing.assert_allclose(stream.total, expected, rtol=1e-5, atol=1e-3)


def test_a_face_of_five_frames_has_no_window():
    assert (num_windows(5), num_windows(6)) == (0, 1)
    stream = streamed(SIMPLE, np.arange(5), np.ones(5 * 640, np.int16))
    assert stream.is_complete
    assert (stream.total == 0).all()


def test_the_cepstra_of_a_chunk_equal_those_of_the_whole_clip():
    noise = np.random.default_rng(0).standard_normal(90 * 640)
    waveform = jnp.asarray(np.round(3000 * noise), jnp.int16)
    whole = jax.jit(mfcc)(waveform[None])[0]
    needed = CEPSTRA_PER_FRAME * (CHUNK_WINDOWS - 1) + WINDOW_CEPSTRA[0]
    first, second = waveform[: CHUNK_SAMPLES - 640], waveform[24 * 640 :][:CHUNK_SAMPLES]
    for window, samples in ((0, jnp.pad(first, (640, 0))), (25, second)):
        own = jax.jit(chunk_cepstra)(samples)[:needed]
        expected = whole[CEPSTRA_PER_FRAME * window :][:needed]
        np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-4)
