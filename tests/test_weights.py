"""Weights have a name that is theirs alone."""

import numpy as np

from avsync import weights

PARAMS = {"encoder": {"kernel": np.arange(6, dtype=np.float32)}, "scale": np.float32(2.25)}


def test_equal_weights_have_one_fingerprint_and_others_another():
    same = weights.fingerprint({"a": 1}, PARAMS)
    assert same == weights.fingerprint({"a": 1}, {name: PARAMS[name] for name in PARAMS})
    changed = {**PARAMS, "scale": np.float32(2.26)}
    assert same != weights.fingerprint({"a": 1}, changed)
    assert same != weights.fingerprint({"a": 2}, PARAMS)
