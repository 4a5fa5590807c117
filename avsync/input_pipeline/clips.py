"""Prepared clips as they are stored, to be changed before they are trimmed and scored.

`avsync.input_pipeline.evaluation` reads, trims and crops in one go. Here the clips come out whole,
so that fakes can be made of them, or distortions applied to them, before any silence is trimmed.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.batching import BUCKET_FRAMES, EvalBatch, padded
from avsync.input_pipeline.clip_frames import decode_frames
from avsync.input_pipeline.evaluation import PREFETCH_CLIPS, TEXTS, info_of
from avsync.input_pipeline.records import no_autograph, open_records, parsed_records
from avsync.input_pipeline.sound import read_sound
from avsync.pp import silence
from avsync.types import Clip, Source, WholeClip
from avsync.units import CROP_PIXELS, INPUT_PIXELS, SAMPLE_RATE, SAMPLES_PER_FRAME

MARGIN = (CROP_PIXELS - INPUT_PIXELS) // 2


def read_clips(source: Source, clips: range) -> Iterator[Clip]:
    """These clips of the split, by their indices on disk, with decoded mouth crops.

    ValueError for a dataset of extracted features, which has none.
    """
    require_clips(source)
    records = open_records(source, trim="none")

    @no_autograph
    def decode(record: tf.Tensor) -> dict[str, Any]:
        clip = records.parse(record)
        fields = (*TEXTS, "attributes", "media", "fake_segments", "label", "waveform")
        return {**{name: clip[name] for name in fields}, "frames": decode_frames(clip["frames"])}

    for row in parsed_records(source, clips, decode, num_ahead=PREFETCH_CLIPS):
        yield Clip(
            **{name: row[name].decode() for name in TEXTS},
            label=int(row["label"]),
            frames=row["frames"],
            waveform=row["waveform"],
            fake_segments=tuple((float(a), float(b)) for a, b in row["fake_segments"]),
            attributes=json.loads(row["attributes"]),
            media=json.loads(row["media"]),
        )


def read_sounds(source: Source, *, limit: int | None) -> dict[str, Clip]:
    """The first `limit` clips of the split by id, all of their frames black and of no memory."""
    require_clips(source)
    sounds = {}
    for sound in itertools.islice(read_sound(source), limit):
        num_frames = len(sound.waveform) // SAMPLES_PER_FRAME
        black = np.zeros((1, CROP_PIXELS, CROP_PIXELS, 1), np.uint8)
        sounds[sound.origin.clip_id] = Clip(
            clip_id=sound.origin.clip_id,
            frames=np.broadcast_to(black, (num_frames, *black.shape[1:])),
            waveform=sound.waveform,
            label=sound.label,
            category=sound.category,
            manipulation=sound.manipulation,
            identity=sound.origin.identity,
            source_clip=sound.origin.source_clip,
        )
    return sounds


def clip_batches(clips: Iterable[Clip], *, batch_size: int, trim: str) -> Iterator[EvalBatch]:
    """Batches as `evaluation.eval_batches` makes them of the same clips.

    They are padded to the length before trimming: clips that are distorted, and therefore trimmed
    differently, still have the shapes that the model was compiled for.
    """
    rest = iter(clips)
    while rows := list(itertools.islice(rest, batch_size)):
        longest = max(len(clip.frames) for clip in rows)
        num_frames = max(1, -(-longest // BUCKET_FRAMES)) * BUCKET_FRAMES
        trimmed = [whole_clip(clip, trim=trim) for clip in rows]
        yield padded(trimmed, num_rows=batch_size, num_frames=num_frames)


def whole_clip(clip: Clip, *, trim: str) -> WholeClip:
    """The clip trimmed by the rule called `trim`, its crops cut to the centre."""
    kept = silence.kept_frames(clip.waveform, name=trim)
    samples = slice(kept.start * SAMPLES_PER_FRAME, kept.stop * SAMPLES_PER_FRAME)
    visual = clip.frames[kept.start : kept.stop, MARGIN:-MARGIN, MARGIN:-MARGIN]
    audio = clip.waveform[samples]
    row = {
        **{name: getattr(clip, name).encode() for name in TEXTS},
        "attributes": json.dumps(dict(clip.attributes)),
        "fake_segments": np.reshape(clip.fake_segments, (-1, 2)),
        "label": clip.label,
        "visual": visual,
        "num_trimmed": kept.start,
        "leading_seconds": int(silence.leading_samples(tf.constant(audio))) / SAMPLE_RATE,
    }
    return WholeClip(info_of(row), visual, audio)


def require_clips(source: Source) -> None:
    """ValueError if the dataset holds extracted features instead of clips."""
    if source.extraction:
        raise ValueError(
            f"{source.dataset} holds extracted features, which cannot be faked or distorted; use "
            "the clips that they were extracted from, with --weights for their encoder"
        )
