"""A clip of any length through the model, in overlapping chunks that bound the memory.

A clip of at most one chunk goes through whole, as in evaluation. A longer clip is cut into chunks,
and only the middle frames of each chunk are used. Two things differ from scoring the clip whole:

Encoders that normalise a clip to mean 0 and deviation 1 normalise each chunk by itself, so that
darker video an hour later changes nothing now. Over 59 s of concatenated GRID clips, frame scores
differ by 0.02 nats on average and 0.3 at most, the pooled score by 0.03.

A transformer attends to one chunk of 60 s instead of the whole clip: each frame sees at least 4 s
on each side of it and 60 s in all. Its convolutions see what they see in the whole clip. Over 100 s
of GRID's sound, features of unit length of a small AV-HuBERT with random weights are 0.003 from
those of the whole clip, 0.06 with queries 16 times as large; neighbouring frames are 0.28 apart.
Random weights attend to all frames nearly alike, trained ones do not: extraction and evaluation
process every clip whole, and clips of up to 60 s are scored whole here too.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from avsync.input_pipeline.batching import padded
from avsync.scoring.video.long_clip import LongClip
from avsync.types import REAL, ClipInfo, Context, WholeClip

# (visual [1 t h w 1], audio [1 s], valid [1 t]) -> offset_logits [1 t k], and the two embeddings
# [1 t d]
Model = Callable[
    [np.ndarray, np.ndarray, np.ndarray],
    tuple[jax.Array | np.ndarray, jax.Array | np.ndarray, jax.Array | np.ndarray],
]

# Called with a frame of the clip and the embeddings of both streams [t d] from it on.
Observe = Callable[[int, np.ndarray, np.ndarray], None]


class ChunkSize(NamedTuple):
    """The frames of a chunk, and how many of them overlap with each neighbour and are not used."""

    num_frames: int
    margin_frames: int


# 30 s; training and calibration clips have 3 to 30 s. The margin exceeds the 15 candidate offsets
# plus the few frames that small convolutions reach.
CONVOLUTIONS = ChunkSize(750, margin_frames=50)

# 60 s, of which the margins cost 13 %. AV-HuBERT needs 81 frames of margin, for its positional
# convolution (64), its stem (2) and the candidates (15).
ATTENTION = ChunkSize(1500, margin_frames=100)


def chunk_size(context: Context) -> ChunkSize:
    """The chunks for a model whose logits depend on `context`; no used frame lacks its reach."""
    size = ATTENTION if context.is_whole_clip else CONVOLUTIONS
    margin_frames = max(size.margin_frames, context.reach_frames)
    # At least half of each chunk is used.
    return ChunkSize(max(size.num_frames, 4 * margin_frames), margin_frames)


def offset_logits(
    clip: LongClip,
    model: Model,
    *,
    size: ChunkSize,
    advance: Callable[[int], None],
    observe: Observe | None = None,
) -> Float[np.ndarray, "t k"]:
    """The model's offset_logits for every frame of the clip.

    `advance` is called after each chunk, with the number of frames that have their logits;
    `observe` with the embeddings of the frames of each chunk that are used.
    """
    parts = []
    for chunk, used in chunks(clip.num_frames, size):
        num_frames = chunk.stop - chunk.start
        part = clip.cut(chunk.start, chunk.stop)
        info = ClipInfo("", REAL, "RV-RA", num_frames=num_frames)
        # All chunks of a long clip have one shape to compile for; short clips share a few.
        whole = WholeClip(info, part.read(0, num_frames), part.waveform)
        batch = padded([whole], num_rows=1).batch
        logits, *embeddings = model(batch.visual, batch.audio, batch.valid)
        inside = slice(used.start - chunk.start, used.stop - chunk.start)
        parts.append(np.asarray(logits)[0, inside])
        if observe is not None:
            observe(used.start, *(np.asarray(e)[0, inside] for e in embeddings))
        advance(used.stop)
    return np.concatenate(parts)


def chunks(num_frames: int, size: ChunkSize) -> list[tuple[slice, slice]]:
    """(chunk, used) per chunk: its frames, and those taken from it; each frame is taken once."""
    if num_frames <= size.num_frames:
        return [(slice(0, num_frames), slice(0, num_frames))]
    pairs, first = [], 0
    while first < num_frames:
        # The last chunk is as long as the others: it starts earlier, and less of it is used.
        start = min(max(0, first - size.margin_frames), num_frames - size.num_frames)
        stop = start + size.num_frames
        end = num_frames if stop == num_frames else stop - size.margin_frames
        pairs.append((slice(start, stop), slice(first, end)))
        first = end
    return pairs
