"""Scores one clip: pip install jax flatbuffers; python load_scorer.py VISUAL.npy AUDIO.npy

manifest.json describes the arrays; leave out their axis b. Leading silence is trimmed here.
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
    num_silent = int(np.append(abs(audio.astype(np.int32)) > 16, True).argmax())
    first = num_silent // 640 + 1 if num_silent else 0  # drops the frame where sound starts too
    return visual[first:], audio[640 * first :]


if __name__ == "__main__":
    visual, audio = (np.load(path) for path in sys.argv[1:])
    if audio.dtype == np.int16:  # features come from sound that is already trimmed
        visual, audio = trimmed(visual, audio)
    scores = load()(visual[None], audio[None], np.ones((1, len(visual)), bool))
    print(json.dumps({name: np.asarray(array)[0].tolist() for name, array in scores.items()}))
