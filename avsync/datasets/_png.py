"""Grey images as PNG, equal to the byte to those of `tf.io.encode_png` at compression 1.

TensorFlow takes longer to start than a thousand clips take to encode. The bytes are equal if Python
has the zlib of zlib.net; a fork of it may choose other matches, for the same pixels.
"""

import struct
import zlib
from typing import no_type_check

import numpy as np
from jaxtyping import UInt8
from numba import njit

COMPRESSION = 1

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# The settings of libpng: the least window that holds the image, at most 32 KiB, all memory.
MAX_WINDOW_BITS, MEMORY_LEVEL = 15, 9

# Bits per sample, colour type (grey), compression, filters and interlacing of the header.
GREY_8_BITS = (8, 0, 0, 0, 0)


def encode_png(frames: UInt8[np.ndarray, "t h w 1"]) -> list[bytes]:
    """Returns one PNG file for each frame."""
    num_frames, height, width, _ = frames.shape
    rows = np.empty((num_frames, height, width + 1), np.uint8)
    _filter(np.ascontiguousarray(frames[..., 0]), rows)
    header = _chunk(b"IHDR", struct.pack(">II5B", width, height, *GREY_8_BITS))
    end = _chunk(b"IEND", b"")
    return [SIGNATURE + header + _chunk(b"IDAT", _deflated(image)) + end for image in rows]


def _deflated(rows: UInt8[np.ndarray, "h w_filtered"]) -> bytes:
    window_bits = min(MAX_WINDOW_BITS, max(8, (rows.size - 1).bit_length()))
    coder = zlib.compressobj(COMPRESSION, zlib.DEFLATED, window_bits, MEMORY_LEVEL, zlib.Z_FILTERED)
    return coder.compress(rows) + coder.flush()


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return b"".join([struct.pack(">I", len(content)), name, content, struct.pack(">I", checksum)])


# Compiled by numba, which knows no type checks: plain loops that the compiler vectorises.
@njit(cache=True)
@no_type_check
def _filter(frames, rows):
    """Fills each row with the number of its filter and the filtered pixels.

    As libpng does, the filter with the least sum of differences is taken, each as a signed byte;
    the first of equals.
    """
    num_frames, height, width = frames.shape
    filtered = np.empty((5, width), np.uint8)
    # One pixel of zeros stands before each row, and a row of zeros above the first.
    here, above = np.zeros(width + 1, np.int16), np.zeros(width + 1, np.int16)
    for t in range(num_frames):
        above[:] = 0
        for y in range(height):
            for x in range(width):
                here[x + 1] = frames[t, y, x]
            for x in range(width):
                filtered[0, x] = here[x + 1]
            for x in range(width):
                filtered[1, x] = here[x + 1] - here[x]
            for x in range(width):
                filtered[2, x] = here[x + 1] - above[x + 1]
            for x in range(width):
                filtered[3, x] = here[x + 1] - ((here[x] + above[x + 1]) >> 1)
            for x in range(width):
                left, up, corner = here[x], above[x + 1], above[x]
                from_left, from_up = abs(up - corner), abs(left - corner)
                from_corner = abs(left + up - corner - corner)
                nearest = up if from_up <= from_corner else corner
                if from_left <= from_up and from_left <= from_corner:
                    nearest = left
                filtered[4, x] = here[x + 1] - nearest
            best, least = 0, 1 << 30
            for number in range(5):
                total = 0
                for x in range(width):
                    value = np.int32(filtered[number, x])
                    total += min(value, 256 - value)
                if total < least:
                    best, least = number, total
            rows[t, y, 0] = best
            rows[t, y, 1:] = filtered[best]
            here, above = above, here
