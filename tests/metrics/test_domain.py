"""Clips unlike the reference clips are told, and no more of their own kind than the rate says."""

import json

import numpy as np
import pytest

from avsync.metrics import domain

SIZE = 24


def clips(number: int, *, seed: int, centre: float = 0.0) -> list[np.ndarray]:
    """Windows of clips whose embeddings vary in a few directions, around `centre`."""
    rng = np.random.default_rng(seed)
    axes = np.random.default_rng(0).normal(size=(4, SIZE))
    return [
        centre + rng.normal(size=4) @ axes + 0.3 * rng.normal(size=(13, SIZE))
        for _ in range(number)
    ]


@pytest.fixture(scope="module")
def model() -> domain.Domain:
    found = domain.fit(clips(99, seed=1))
    assert found is not None
    return found


def share_unlike(model: domain.Domain, of: list[np.ndarray]) -> float:
    return float(np.mean([domain.clip_distance(model.distances(c)) > model.threshold for c in of]))


def test_clips_of_the_same_kind_are_like_the_reference_and_others_are_not(model):
    assert model.rate == 0.01
    assert share_unlike(model, clips(400, seed=2)) < 0.04
    assert share_unlike(model, clips(50, seed=3, centre=2.0)) == 1


def test_a_strange_moment_makes_no_strange_clip(model):
    forged = clips(100, seed=4)
    for windows in forged:
        windows[:4] += 5
    assert share_unlike(model, forged) < 0.05


def test_a_model_survives_its_file(model):
    again = domain.Domain.from_json(json.loads(json.dumps(model.to_json())))
    windows = clips(3, seed=5)[0]
    np.testing.assert_allclose(again.distances(windows), model.distances(windows), rtol=1e-4)
    assert (again.threshold, again.rate) == (model.threshold, model.rate)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": ["x"]}, "missing or no number"),
        ({"mean": [0.0]}, "do not fit"),
        ({"residual": 0.0}, "positive"),
        ({"threshold": float("nan")}, "finite"),
    ],
)
def test_a_damaged_model_is_an_error(model, changes, message):
    with pytest.raises(ValueError, match=message):
        domain.Domain.from_json({**model.to_json(), **changes})


def test_few_clips_give_no_model():
    assert domain.fit(clips(19, seed=1)) is None


def test_windows_are_means_of_embeddings_of_length_1():
    embedding = np.zeros((22, 3))
    embedding[:10, 0], embedding[10:, 1] = 5.0, 2.0
    found = domain.windows(embedding)
    np.testing.assert_allclose(found, [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]])
    assert domain.windows(embedding[:4]).tolist() == [[1, 0, 0]]


def test_a_window_is_spoken_if_half_of_its_frames_are():
    assert domain.is_spoken(np.arange(22) >= 10).tolist() == [False, True, True]
    assert domain.is_spoken(np.arange(22) >= 11).tolist() == [False, False, True]
