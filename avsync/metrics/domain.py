"""Whether a clip is like the reference clips at all, by the embeddings of its mouths or voices.

A model of the reference embeddings is a normal distribution of low rank with equal variance in all
other directions (probabilistic PCA: Tipping & Bishop, J. R. Statist. Soc. B 1999). A clip is far
from it if most of its windows of 0.4 s are: a forged word, which looks strange for a moment, must
not make a clip of a known talker a strange one.

Only windows of speech are compared: lips at rest and silence lie near the mean, and a file with
fewer pauses than the reference clips would look strange.

Measured with the shipped scorer: mouths of ten other GRID talkers have distances from 16.7, those
of its own talker up to 13.4 among the 99 calibration clips, each compared with the others, and 1 of
99 further clips lies above. Voices of nine of the ten lie above 12.9, and none of the 99 clips.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

WINDOW_FRAMES = 10
HOP_FRAMES = 5

# A clip is as far as the nearest quarter of its windows.
QUANTILE = 0.25

RANK = 32
NUM_FOLDS = 10

# Share of the reference clips' kind that is called unlike them, for mouths and voices each; with
# fewer than 99 clips 1 / (c + 1).
RATE = 0.01

# Below this the distances say nothing about new clips: see `fit`.
MIN_CLIPS = 20

# More than enough to find 32 directions; the distances of 500 clips take a second.
MAX_CLIPS = 500

DIGITS = 6  # of the numbers that are kept

Windows = Float[np.ndarray, "w d"]


class Domain(NamedTuple):
    """The model: its mean, its main directions with their variances, the variance in all others.

    threshold: the distance beyond which a clip is unlike the reference clips.
    rate: the share of new clips of their kind beyond it, on average over calibrations.
    """

    mean: Float[np.ndarray, " d"]
    axes: Float[np.ndarray, "r d"]
    variances: Float[np.ndarray, " r"]
    residual: float
    threshold: float
    rate: float

    def distances(self, windows: Windows) -> Float[np.ndarray, " w"]:
        """The distance of each window from the reference clips, in standard deviations."""
        centred = windows - self.mean
        along = centred @ self.axes.T
        beside = np.maximum((centred**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        return np.sqrt((along**2 / self.variances).sum(axis=1) + beside / self.residual)

    def to_json(self) -> dict[str, Any]:
        """The fields; arrays as lists of numbers with `DIGITS` digits."""
        numbers = {name: np.asarray(value) for name, value in self._asdict().items()}
        return {name: _rounded(value) for name, value in numbers.items()}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Domain":
        """The model that `to_json` wrote; ValueError if it is none."""
        try:
            arrays = [np.array(fields[name], float) for name in ("mean", "axes", "variances")]
            numbers = [float(fields[name]) for name in ("residual", "threshold", "rate")]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"a field is missing or no number ({error})") from error
        mean, axes, variances = arrays
        if axes.ndim != 2 or axes.shape != (len(variances), mean.size) or mean.ndim != 1:
            raise ValueError(f"axes {axes.shape} do not fit mean and variances")
        is_finite = all(np.isfinite(array).all() for array in (*arrays, np.array(numbers)))
        if not is_finite or min(numbers[0], *variances.tolist()) <= 0:
            raise ValueError("variances must be positive, all numbers finite")
        return cls(mean, axes, variances, *numbers)


def fit(clips: Sequence[Windows]) -> Domain | None:
    """The model of reference clips; None if there are fewer than `MIN_CLIPS`.

    The threshold comes from the distances of clips that the model was not fitted to: each tenth of
    the clips is compared with the other nine. The k-th largest of c distances is exceeded by the
    share k / (c + 1) of new clips, as in `metrics.calibration`.
    """
    if len(clips) < MIN_CLIPS:
        return None
    clips = clips[:: -(-len(clips) // MAX_CLIPS)]
    distances = []
    for fold in range(NUM_FOLDS):
        known = [clip for i, clip in enumerate(clips) if i % NUM_FOLDS != fold]
        model = _fit(np.concatenate(known))
        distances += [clip_distance(model.distances(clip)) for clip in clips[fold::NUM_FOLDS]]
    number = max(1, int(RATE * (len(clips) + 1)))
    threshold, rate = float(np.sort(distances)[-number]), number / (len(clips) + 1)
    return _fit(np.concatenate(list(clips)))._replace(threshold=threshold, rate=rate)


def clip_distance(distances: Float[np.ndarray, " w"]) -> float:
    """The distance of a clip from those of its windows; it must have one."""
    return float(np.quantile(distances, QUANTILE))


def windows(embedding: Float[np.ndarray, "t d"]) -> Windows:
    """The means of the embeddings, each scaled to length 1, over windows of 0.4 s every 0.2 s.

    A clip shorter than a window is one.
    """
    lengths = np.linalg.norm(embedding, axis=1, keepdims=True)
    unit = embedding.astype(float) / np.maximum(lengths, np.finfo(np.float32).tiny)
    width = min(WINDOW_FRAMES, len(unit))
    total = np.concatenate([np.zeros((1, unit.shape[1])), np.cumsum(unit, axis=0)])
    firsts = np.arange(0, len(unit) - width + 1, HOP_FRAMES)
    return (total[firsts + width] - total[firsts]) / width


def is_spoken(is_speech: Bool[np.ndarray, " t"]) -> Bool[np.ndarray, " w"]:
    """For each of the `windows` of these frames, whether half of its frames are speech."""
    return windows(np.where(is_speech, 1.0, 0.0)[:, None])[:, 0] >= 0.5


def _fit(sample: Windows) -> Domain:
    mean = sample.mean(axis=0)
    _, singular, axes = np.linalg.svd(sample - mean, full_matrices=False)
    variances = np.maximum(singular**2 / (len(sample) - 1), np.finfo(np.float32).tiny)
    rank = min(RANK, len(variances) - 1)
    residual = float(variances[rank:].sum() / (sample.shape[1] - rank))
    return Domain(mean, axes[:rank], variances[:rank], residual, threshold=np.inf, rate=0.0)


def _rounded(values: np.ndarray) -> Any:
    if values.ndim == 0:
        return float(values)
    if values.ndim == 1:
        return [float(f"{value:.{DIGITS}g}") for value in values]
    return [_rounded(row) for row in values]
