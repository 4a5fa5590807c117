"""How alike two pictures are, however bright."""

import numpy as np
from jaxtyping import Float32, UInt8


def fingerprint(pixels: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, " n"]:
    """The product of two of them is the correlation of their pictures, 1 for equal ones.

    A grey level is added to what varies in a picture, so that two flat ones are alike.
    """
    values = pixels.astype(np.float32).reshape(-1)
    values = np.append(values - values.mean(), np.float32(np.sqrt(values.size)))
    return values / np.sqrt(values @ values)
