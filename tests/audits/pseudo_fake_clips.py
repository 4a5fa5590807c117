"""Real clips and their pseudo-fakes as an audit sees them, with measures of the picture too."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import tensorflow as tf

from avsync.audits.base import AuditedClip, Shortcut, all_shortcuts
from avsync.input_pipeline.records import open_records, read_records
from avsync.input_pipeline.sound import Origin, SoundClip
from avsync.models.encoders.lip_conv import Encoder
from avsync.pp.frames import FrameRange
from avsync.pp.pseudo_fakes import PseudoFakes, draw
from avsync.types import FAKE, REAL, Source

KINDS = ("blend", "splice")

NETWORK = Encoder(stem_width=8, widths=(16, 32), features=32, embedding=32)


def audited_clips(
    source: Source, num_clips: int, *, kind: str, reals_stay: bool = False
) -> Iterator[SoundClip]:
    """Each real clip changed by this kind of change, and the pseudo-fake of it.

    With `reals_stay` the real clips are not changed: then any trace of the change gives fakes away.
    """
    for label in (REAL, FAKE):
        is_changed = label == FAKE or not reals_stay
        clips = _changed(source, num_clips, kind=kind, label=label, is_changed=is_changed)
        for clip_id, pictures, waveform in clips:
            yield SoundClip(
                origin=Origin(clip_id if label == REAL else f"{clip_id}+{kind}", "", clip_id),
                label=label,
                category="RV-RA" if label == REAL else "FV-FA",
                manipulation="real" if label == REAL else kind,
                waveform=waveform,
                num_trimmed_frames=0,
                media={"pictures": pictures},
            )


def shortcuts() -> dict[str, Shortcut]:
    """Those of the audit, and some of the picture: a property is as good as another."""

    def of_pictures(measure: Callable[[np.ndarray], Any]) -> Callable[[AuditedClip], Any]:
        return lambda clip: measure(clip.media["pictures"])

    pictures = {
        "change": lambda x: float(np.abs(np.diff(x.astype(int), axis=0)).mean()),
        "still_frames": lambda x: float(
            (np.abs(np.diff(x.astype(int), axis=0)).sum((1, 2)) == 0).mean()
        ),
        "flicker": lambda x: float(np.median(np.abs(np.diff(x[..., 0].astype(int), n=2, axis=0)))),
        "sharpness": lambda x: float(np.abs(np.diff(x.astype(int), n=2, axis=1)).mean()),
        "jump": lambda x: float(np.abs(np.diff(x.astype(int), axis=0)).mean((1, 2, 3)).max()),
        "random_visual_network": random_network,
    }
    own = {name: Shortcut(name, "", of_pictures(measure)) for name, measure in pictures.items()}
    return {**all_shortcuts(), **own}


def random_network(frames: np.ndarray) -> np.ndarray:
    """Mean, deviation, minimum and maximum of each channel of an untrained visual network."""
    missing = -len(frames) % 25
    padded = np.pad(frames[:, 4:92, 4:92], ((0, missing), (0, 0), (0, 0), (0, 0)))
    valid = np.arange(len(padded)) < len(frames)
    embedded = np.asarray(_embed(padded[None], valid[None]))[0, : len(frames)]
    return np.concatenate([f(embedded, axis=0) for f in (np.mean, np.std, np.min, np.max)])


@functools.cache
def _params() -> Any:
    frames, valid = np.zeros((1, 25, 88, 88, 1), np.uint8), np.ones((1, 25), bool)
    return jax.jit(NETWORK.init)(jax.random.key(0), frames, valid)


@jax.jit
def _apply(params: Any, frames: Any, valid: Any) -> Any:
    return NETWORK.apply(params, frames, valid)


def _embed(frames: np.ndarray, valid: np.ndarray) -> Any:
    return _apply(_params(), frames, valid)


def _changed(
    source: Source, num_clips: int, *, kind: str, label: int, is_changed: bool
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Id, crops and sound of the first clips, as the input pipeline changes them."""
    records = open_records(source, trim="none")
    options = PseudoFakes(**{name: float(name == kind) for name in KINDS})

    def change(index: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        clip = records.parse(record)
        num_frames = tf.shape(clip["frames"])[0]
        # The same clip has another seed in each class, or each change would be there twice.
        seed = tf.stack([tf.cast(index, tf.int32), label])
        draws = draw(num_frames, options=options, seed=seed)
        draws = draws._replace(
            is_changed=tf.constant(is_changed), is_fake=tf.constant(label == FAKE)
        )
        clip, _ = records.change(clip, FrameRange(tf.constant(0), num_frames), draws)
        return clip["clip_id"], clip["frames"], clip["waveform"]

    clips = read_records(source, range(num_clips)).enumerate().map(change)
    for clip_id, frames, waveform in clips.as_numpy_iterator():
        yield clip_id.decode(), frames, waveform
