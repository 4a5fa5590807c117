"""Random weights and inputs of SyncNet, the same on every machine, without JAX and torch."""

import numpy as np

from avsync.convert.syncnet import shapes


class Weights:
    """A tensor of `avsync.convert`."""

    def __init__(self, values: np.ndarray):
        self._values = values

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    def numpy(self) -> np.ndarray:
        return self._values


def random_state() -> dict[str, np.ndarray]:
    """Tensors in the published layout, with which the activations of all layers are about 1."""
    rng = np.random.default_rng(0)
    state = {}
    for name, shape in shapes().items():
        if name.endswith("running_var"):
            values = rng.uniform(0.5, 2, shape)
        elif len(shape) == 1:
            values = rng.uniform(-0.5, 0.5, shape) + name.endswith("weight")
        else:
            values = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        state[name] = values.astype(np.float32)
    # The first layers of the towers see values of up to 255 and of about 10.
    state["netcnnlip.0.weight"] /= 100
    state["netcnnaud.0.weight"] /= 10
    return state


def tensors() -> dict[str, Weights]:
    """The same as the tensors of a file."""
    return {name: Weights(values) for name, values in random_state().items()}


def faces() -> np.ndarray:
    """Six frames [6 224 224 3], red, green, blue: two windows."""
    return np.random.default_rng(1).integers(0, 256, (6, 224, 224, 3), np.uint8)


def waveform() -> np.ndarray:
    """0.26 s of loud noise that fades, and 0.04 s of silence."""
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(4160) * np.geomspace(8000, 2, 4160)
    return np.pad(np.clip(np.round(noise), -32768, 32767), (0, 640)).astype(np.int16)


def cepstra() -> np.ndarray:
    """Two windows of sound [24 13]."""
    return (10 * np.random.default_rng(3).standard_normal((24, 13))).astype(np.float32)


def embeddings() -> tuple[np.ndarray, np.ndarray]:
    """40 windows of a face and of sound, alike where the sound is 4 windows late."""
    rng = np.random.default_rng(4)
    sound = rng.standard_normal((40, 1024)).astype(np.float32)
    noise = rng.standard_normal((40, 1024)).astype(np.float32)
    return np.roll(sound, -4, axis=0) + 0.5 * noise, sound
