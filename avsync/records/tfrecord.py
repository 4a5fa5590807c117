"""TFRecord files without TensorFlow: records end to end, each with its length and checksums.

The format: length (8 bytes, little-endian), its checksum, the record, its checksum; a checksum is a
masked CRC-32C (https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, no_type_check

import numpy as np
from jaxtyping import UInt32
from numba import njit

from avsync.mirror import local_file
from avsync.names import shown_text

LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")

# Bytes that a file holds beside each record.
OVERHEAD_BYTES = LENGTH.size + 2 * CHECKSUM.size

# The mask keeps a checksum of data that hold checksums from being that of other data.
MASK_ADDEND, MASK_BITS = 0xA282EAD8, 15

POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed

# Bytes that are looked up at once.
STRIDE = 8


# What helps against a damaged file.
COPY = "copy it again, or prepare the dataset again without it"


def framed(record: bytes) -> bytes:
    """Returns the record as a file holds it."""
    length = LENGTH.pack(len(record))
    return b"".join([length, _checksum(length), record, _checksum(record)])


def read_at(path: str | Path, indices: Iterable[int]) -> Iterator[bytes]:
    """Yields the records at these ascending indices; of all others only the lengths are read.

    Raises ValueError that names a damaged file. A mirrored file is fetched first.
    """
    here, path = 0, local_file(path)
    try:
        # Unbuffered: a buffer would read some of the 0.4 MB between two lengths.
        with open(path, "rb", buffering=0) as file:
            for index in indices:
                while here < index:
                    file.seek(_read_length(file) + CHECKSUM.size, os.SEEK_CUR)
                    here += 1
                record = file.read(_read_length(file))
                if file.read(CHECKSUM.size) != _checksum(record):
                    raise EOFError
                here += 1
                yield record
    except EOFError:
        raise ValueError(shown_text(f"{path} is damaged in record {here + 1}: {COPY}")) from None
    except FileNotFoundError as error:
        raise ValueError(shown_text(f"{path} is missing: {COPY}")) from error


def _read_length(file: IO[bytes]) -> int:
    length = file.read(LENGTH.size)
    if len(length) < LENGTH.size or file.read(CHECKSUM.size) != _checksum(length):
        raise EOFError
    return LENGTH.unpack(length)[0]


def _checksum(data: bytes) -> bytes:
    crc = int(_crc32c(np.frombuffer(data, np.uint8), TABLES))
    rotated = (crc >> MASK_BITS | crc << (32 - MASK_BITS)) & 0xFFFFFFFF
    return CHECKSUM.pack((rotated + MASK_ADDEND) & 0xFFFFFFFF)


def _tables() -> UInt32[np.ndarray, "stride 256"]:
    """The remainder of each byte with 0 to `STRIDE` - 1 bytes of zeros behind it."""
    tables = np.empty((STRIDE, 256), np.uint32)
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = (crc >> 1) ^ np.where(crc & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    for table in tables:
        table[:] = crc
        crc = (crc >> 8) ^ tables[0, crc & 0xFF]
    return tables


TABLES = _tables()


# Compiled by numba, which knows no type checks.
@njit(cache=True)
@no_type_check
def _crc32c(data, tables):
    crc = np.uint32(0xFFFFFFFF)
    num_whole = len(data) // 8 * 8
    for i in range(0, num_whole, 8):
        crc ^= (
            np.uint32(data[i])
            | np.uint32(data[i + 1]) << np.uint32(8)
            | np.uint32(data[i + 2]) << np.uint32(16)
            | np.uint32(data[i + 3]) << np.uint32(24)
        )
        crc = (
            tables[7, crc & np.uint32(0xFF)]
            ^ tables[6, (crc >> np.uint32(8)) & np.uint32(0xFF)]
            ^ tables[5, (crc >> np.uint32(16)) & np.uint32(0xFF)]
            ^ tables[4, crc >> np.uint32(24)]
            ^ tables[3, data[i + 4]]
            ^ tables[2, data[i + 5]]
            ^ tables[1, data[i + 6]]
            ^ tables[0, data[i + 7]]
        )
    for i in range(num_whole, len(data)):
        crc = tables[0, (crc ^ data[i]) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)
