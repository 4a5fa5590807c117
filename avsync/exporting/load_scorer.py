"""Scores one clip: pip install jax flatbuffers; python load_scorer.py VISUAL.npy AUDIO.npy

The arrays are as manifest.json has them, without the axis b; leading silence is cut off here.
"""

import json
import sys
from pathlib import Path

import jax.export
import numpy as np


def load():
    artefact = Path(__file__).with_name("scorer.jaxexport").read_bytes()
    return jax.jit(jax.export.deserialize(bytearray(artefact)).call)


def trimmed(visual, audio):
    silent = int(np.append(abs(audio.astype(np.int32)) > 16, True).argmax())
    first = silent // 640 + 1 if silent else 0  # the frame in which sound begins goes too
    return visual[first:], audio[640 * first :]


if __name__ == "__main__":
    visual, audio = (np.load(path) for path in sys.argv[1:])
    if audio.dtype == np.int16:  # features are of sound that was trimmed before
        visual, audio = trimmed(visual, audio)
    found = load()(visual[None], audio[None], np.ones((1, len(visual)), bool))
    print(json.dumps({name: np.asarray(array)[0].tolist() for name, array in found.items()}))
