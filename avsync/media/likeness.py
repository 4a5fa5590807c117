"""How alike two pictures are, however bright."""

import numpy as np
from jaxtyping import Float32, UInt8


def fingerprints(pictures: UInt8[np.ndarray, "n h w"]) -> Float32[np.ndarray, "n k"]:
    """The product of two of them is the correlation of their pictures, 1 for equal ones.

    A grey level is added to what varies in a picture, so that two flat ones are alike.
    """
    num_pictures, height, width = pictures.shape
    size = height * width
    prints = np.empty((num_pictures, size + 1), np.float32)
    values = prints[:, :size]
    values[:] = pictures.reshape(num_pictures, size)
    values -= values.mean(axis=1, keepdims=True)
    prints[:, size] = np.sqrt(size)
    return prints / np.sqrt(np.einsum("nk,nk->n", prints, prints))[:, None]
