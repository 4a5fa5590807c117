"""A small feature dataset, as avsync-extract writes one."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from avsync.features.ledger import Split
from avsync.features.store import FeatureDataset
from avsync.types import ClipFeatures, ClipInfo, Extraction

# (visual, audio) of a clip, [t d] each.
Features = tuple[np.ndarray, np.ndarray]


def write(
    data_dir: Path,
    splits: Mapping[str, Sequence[Features]],
    *,
    num_shards: int = 1,
    fakes: Collection[str] = (),
    name: str = "features",
    encoder: str = "a test's",
) -> None:
    """`splits` as the dataset `name` in `data_dir`, float32, trimmed by the rule "leading".

    Clip i of a split has the id SPLIT/i; clips are real unless `fakes` names them.
    """
    channels = splits["train"][0][0].shape[1]
    extraction = Extraction("leading", encoder, {"visual": channels, "audio": channels})
    dataset = FeatureDataset(name, data_dir=data_dir, extraction=extraction, dtype="float32")
    for split_name, clips in splits.items():
        split = Split(split_name, num_shards, is_real_only=True)
        rows = [_clip(f"{split_name}/{i}", *clip, fakes=fakes) for i, clip in enumerate(clips)]
        size = -(-len(rows) // num_shards)
        for index in range(num_shards):
            dataset.write(split, index, clips=rows[index * size : (index + 1) * size])
    dataset.finish()


def _clip(
    clip_id: str, visual: np.ndarray, audio: np.ndarray, *, fakes: Collection[str]
) -> ClipFeatures:
    is_fake = clip_id in fakes
    info = ClipInfo(
        clip_id,
        label=int(is_fake),
        category="RV-FA" if is_fake else "RV-RA",
        num_frames=len(visual),
    )
    return ClipFeatures(info, {"visual": visual, "audio": audio})
