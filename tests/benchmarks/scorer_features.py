"""Writes the embeddings of the shipped scorer as a feature dataset, to train heads on.

    python -m tests.benchmarks.scorer_features --data_dir=data --dataset=grid --num_clips=160

Writes the dataset `embedded/leading` into --out_dir, by default --data_dir: the first clips of
`train`, all of them real, and a quarter as many of `val`. They are features whose streams fit, for
machines without weights of AV-HuBERT.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from avsync import build, checkpoint, pretrained, runtime, trained
from avsync.datasets.base import open_source
from avsync.features.ledger import Split
from avsync.features.store import FeatureDataset
from avsync.input_pipeline.evaluation import eval_batches
from avsync.types import ClipFeatures, Extraction

NAME, TRIM = "embedded", "leading"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", type=Path, default=Path("data"))
    parser.add_argument("--out_dir", type=Path)
    parser.add_argument("--dataset", default="grid")
    parser.add_argument("--num_clips", type=int, default=160)
    args = parser.parse_args(arguments)
    runtime.start()
    model = trained.load(*checkpoint.find(str(pretrained.GRID)))
    encode = jax.jit(build.make_apply(build.make_model(model.config), method="encode"))
    for split, number in (("train", args.num_clips), ("val", args.num_clips // 4)):
        source = open_source(args.dataset, split, data_dir=args.data_dir)
        clips = list(itertools.islice(_embedded(source, encode, model.params), number))
        channels = {name: x.shape[1] for name, x in clips[0].streams.items()}
        extraction = Extraction(TRIM, "the shipped scorer", channels)
        dataset = FeatureDataset(
            NAME, data_dir=args.out_dir or args.data_dir, extraction=extraction, dtype="float32"
        )
        dataset.write(Split(split, 1, is_real_only=True), 0, clips=clips)
        dataset.finish()
        print(f"{split}: {len(clips)} clips, {sum(c.info.num_frames for c in clips)} frames")


def _embedded(source: Any, encode: Any, params: Any) -> Iterator[ClipFeatures]:
    for batch in eval_batches(source, batch_size=8, trim=TRIM):
        visual, audio = encode(params, *batch.batch[:3])
        for info, v, a in zip(batch.infos, np.asarray(visual), np.asarray(audio), strict=False):
            streams = {"visual": v[: info.num_frames], "audio": a[: info.num_frames]}
            yield ClipFeatures(info, streams)


if __name__ == "__main__":
    main()
