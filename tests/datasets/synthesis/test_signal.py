"""The lips identify their own sound, but no single pixel does."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from avsync.datasets.synthesis.talking import Take, talk

SECOND = 25  # frames; windows in which own and swapped sound are compared
NUM_BANDS = 12


class Pair(NamedTuple):
    """The frames of a clip with its own sound and with that of the other take."""

    frames: np.ndarray  # [t 96 96]
    own: np.ndarray  # [t NUM_BANDS] log power, each band with mean 0 and deviation 1
    other: np.ndarray


@pytest.fixture(scope="module")
def train() -> list[Pair]:
    return make_pairs(range(16))


@pytest.fixture(scope="module")
def test() -> list[Pair]:
    return make_pairs(range(16, 26))


def test_a_linear_mouth_reader_separates_own_from_swapped_sound(
    train: list[Pair], test: list[Pair]
) -> None:
    assert auc_of_mouth_reader(train, test) > 0.85


def test_the_best_single_pixel_is_clearly_worse(train: list[Pair], test: list[Pair]) -> None:
    def pixels(frames: np.ndarray) -> np.ndarray:
        return frames.reshape(len(frames), -1)

    fit = np.mean([correlations(pixels(s.frames), loudness(s.own)) for s in train], axis=0)
    best = int(np.argmax(np.abs(fit)))

    def score(frames: np.ndarray, bands: np.ndarray) -> float:
        return np.sign(fit[best]) * correlations(pixels(frames)[:, [best]], loudness(bands))[0]

    auc = auc_over_windows(test, score)
    assert auc < 0.82
    assert auc < auc_of_mouth_reader(train, test) - 0.12


def test_the_brightness_of_the_frames_is_uninformative(test: list[Pair]) -> None:
    def score(frames: np.ndarray, bands: np.ndarray) -> float:
        return abs(correlations(frames.mean(axis=(1, 2))[:, None], loudness(bands))[0])

    assert 0.4 < auc_over_windows(test, score) < 0.6


def auc_of_mouth_reader(train: list[Pair], test: list[Pair]) -> float:
    """AUC of a linear map from 12 x 12 pixels over five frames to the bands of the sound."""
    pictures = np.concatenate([context(s.frames) for s in train])
    sounds = np.concatenate([s.own for s in train])
    ridge = pictures.T @ pictures + 300 * np.eye(pictures.shape[1])
    weights = np.linalg.solve(ridge, pictures.T @ sounds)

    def score(read: np.ndarray, bands: np.ndarray) -> float:
        return (read * bands).sum() / np.linalg.norm(read) / np.linalg.norm(bands)

    return auc_over_windows([s._replace(frames=context(s.frames) @ weights) for s in test], score)


def auc_over_windows(test: list[Pair], score: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """AUC of `score` on windows of one second, own sound against that of the other take."""
    labels, scores = [], []
    for frames, own, other in test:
        for start in range(0, len(frames) - SECOND + 1, SECOND):
            window = slice(start, start + SECOND)
            for is_own, bands in ((1, own), (0, other)):
                labels.append(is_own)
                scores.append(score(frames[window], bands[window]))
    return float(roc_auc_score(labels, scores))


def make_pairs(talkers: range) -> list[Pair]:
    result = []
    for talker in talkers:
        pair = [talk(Take(seed=5, talker_index=talker, take_index=i)) for i in (0, 1)]
        sounds = [bands(clip.waveform) for clip in pair]
        for clip, own, other in zip(pair, sounds, sounds[::-1], strict=True):
            result.append(Pair(clip.frames[..., 0].astype(np.float32), own, other))
    return result


def bands(waveform: np.ndarray) -> np.ndarray:
    """Log power [t NUM_BANDS] per frame in geometric bands from 100 Hz to 8 kHz."""
    pieces = waveform.reshape(-1, 640) / 32_768 * np.hanning(640)
    spectrum = np.abs(np.fft.rfft(pieces, axis=1)) ** 2
    edges = np.geomspace(100 / 25, 320, NUM_BANDS + 1).astype(int)  # bins are 25 Hz wide
    power = np.stack([spectrum[:, a:b].sum(1) for a, b in pairwise(edges)], 1)
    return standard(np.log(power + 1e-6))


def loudness(sound: np.ndarray) -> np.ndarray:
    return sound.mean(axis=1)


def context(frames: np.ndarray) -> np.ndarray:
    """Features [t 720]: 12 x 12 cells over five frames, less the mean of the clip."""
    cells = frames.reshape(len(frames), 12, 8, 12, 8).mean(axis=(2, 4)).reshape(len(frames), -1)
    cells -= cells.mean(axis=0)
    cells /= cells.std()
    padded = np.pad(cells, ((2, 2), (0, 0)), mode="edge")
    return np.concatenate([padded[i : i + len(cells)] for i in range(5)], axis=1)


def correlations(series: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Pearson's r of each column of `series` [t n] with `sound` [t]."""
    return (standard(series) * standard(sound)[:, None]).mean(axis=0)


def standard(series: np.ndarray) -> np.ndarray:
    return (series - series.mean(axis=0)) / (series.std(axis=0) + 1e-6)
