"""Measures checkpoints on talkers that they were not trained on, where only a few clips exist.

    python -m tests.benchmarks.strangers --data_dir=data --dataset=grid/heldout runs/grid runs/other

A handful of clips gives a handful of swaps in an evaluation. Here every clip gets the sound of each
other one (all ordered pairs), every other fake is made at several places, and the sound of every
real clip is moved by each offset. Leading silence is trimmed. AUC with a 95% interval over clips:
in a resample, a swap counts once for each pair of draws of its two clips, every other fake as often
as the clip that it shows. The intervals do not cover training seeds; with several checkpoints the
last row has the mean and the range over them.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avsync import build, checkpoint, runtime
from avsync.datasets.base import open_source
from avsync.datasets.fabricate import CannotFabricate, freeze, shift, splice, swap
from avsync.evaluation.lines import OK, Line
from avsync.evaluation.scores import make_score_views
from avsync.evaluation.views import Views
from avsync.input_pipeline.clips import clip_batches, read_clips
from avsync.metrics import curves
from avsync.metrics.resampling import over_clips
from avsync.types import Clip

PLACES = 10  # fakes of each clip and kind, other than swaps
MAX_SHIFT_FRAMES = 10
NUM_RESAMPLES = 1000

PLACED = {
    "splice_0.8s": (splice, {"seconds": 0.8}),
    "splice_0.4s": (splice, {"seconds": 0.4}),
    "freeze_0.8s": (freeze, {"seconds": 0.8}),
}
KINDS = ("swap", *PLACED)


class Fake(NamedTuple):
    """A fake or moved clip: its kind, the numbers of its clip and of its donor, and its offset."""

    kind: str
    clip: int
    donor: int
    offset: int = 0


def plan(clips: list[Clip], *, seed: int) -> Iterator[tuple[Fake, Clip]]:
    """The real clips (kind "real"), then their fakes, then the real clips moved (kind "moved")."""
    num = len(clips)
    for i, clip in enumerate(clips):
        yield Fake("real", i, i), clip
    for i in range(num):
        for j in range(num):
            if i != j:
                rng = np.random.default_rng(seed)
                yield Fake("swap", i, j), swap.fabricate(clips[i], clips[j], rng)
    for kind, (manipulation, options) in PLACED.items():
        for i in range(num):
            for place in range(PLACES):
                rng = np.random.default_rng((seed, i, place))
                j = int((i + 1 + rng.integers(num - 1)) % num)
                try:
                    fake = manipulation.fabricate(clips[i], clips[j], rng, **options)
                except CannotFabricate:
                    continue
                yield Fake(kind, i, j), fake
    for i, clip in enumerate(clips):
        for offset in range(-MAX_SHIFT_FRAMES, MAX_SHIFT_FRAMES + 1):
            if offset:
                rng = np.random.default_rng(seed)
                yield Fake("moved", i, i, offset), shift.fabricate(clip, clip, rng, frames=offset)


def measure(
    fakes: list[Fake], lines: list[Line], *, num_clips: int, score_name: str = "alignment"
) -> dict[str, float]:
    """AUC of a score with its interval by kind, and how many offsets are found.

    Of offsets, the shares that are exact and that are within a frame. Clips whose status is not
    "ok", and offsets that are not measured, are left out: num_left_out, num_unmeasured.
    """
    judged = [(f, line) for f, line in zip(fakes, lines, strict=True) if line.status == OK]
    scores = np.array([line.scores[score_name] for _, line in judged], float)
    kinds = np.array([fake.kind for fake, _ in judged])
    shown = np.array([fake.clip for fake, _ in judged])
    heard = np.array([fake.donor for fake, _ in judged])
    every = np.ones((1, num_clips), int)
    drawn = [every, *over_clips(np.zeros(num_clips, bool), num_resamples=NUM_RESAMPLES, seed=0)]
    times = np.concatenate(drawn)
    times = np.where(kinds == "swap", times[:, shown] * times[:, heard], times[:, shown])
    numbers = {"num_left_out": float(len(lines) - len(judged))}
    for kind in KINDS:
        at = np.isin(kinds, ["real", kind])
        order = curves.descending(scores[at], kinds[at] == kind)
        # A resample of a single clip has no swap.
        has_both = times[:, kinds == kind].any(axis=1) & times[:, kinds == "real"].any(axis=1)
        auc, *resampled = curves.measure(order, times[has_both][:, at]).auc
        low, high = np.quantile(resampled, (0.025, 0.975))
        numbers |= {kind: float(auc), f"{kind}_low": float(low), f"{kind}_high": float(high)}
    offsets = [(f, line.offset_frames) for f, line in judged if f.kind in ("real", "moved")]
    numbers["num_unmeasured"] = float(sum(found is None for _, found in offsets))
    for kind in ("real", "moved"):
        errors = [abs(o - f.offset) for f, o in offsets if f.kind == kind and o is not None]
        numbers[f"{kind}_within_1"] = float(np.mean(np.array(errors) <= 1))
        numbers[f"{kind}_exact"] = float(np.mean(np.array(errors) == 0))
    return numbers


def score(workdir: str, items: list[tuple[Fake, Clip]]) -> list[Line]:
    """The lines of all clips by one checkpoint, leading silence trimmed."""
    scorer = build.load_scorer(*checkpoint.find(workdir), extraction=None)
    batches = clip_batches((clip for _, clip in items), batch_size=16, trim="leading")
    views = Views("strangers", "test", {"trimmed": batches}, len(items), None)
    return make_score_views(scorer, others={})(views).lines


def evaluate(
    workdir: str, items: list[tuple[Fake, Clip]], *, num_clips: int, score_name: str
) -> dict[str, float]:
    """The numbers of `measure` for one checkpoint."""
    fakes, lines = [fake for fake, _ in items], score(workdir, items)
    return measure(fakes, lines, num_clips=num_clips, score_name=score_name)


def table(rows: dict[str, dict[str, float]]) -> Iterator[str]:
    """The lines of the table: a row for each checkpoint, and for several their mean and range."""
    titles = {
        "real_within_1": "offset within 1 frame, real clips",
        "moved_within_1": "offset within 1 frame, moved sound",
        "moved_exact": "exact offset, moved sound",
    }
    yield "| checkpoint | " + " | ".join([*KINDS, *titles.values()]) + " |"
    yield "|---" * (1 + len(KINDS) + len(titles)) + "|"
    for name, row in rows.items():
        cells = [f"{row[k]:.3f} [{row[k + '_low']:.3f}, {row[k + '_high']:.3f}]" for k in KINDS]
        yield f"| {name} | " + " | ".join(cells + [f"{row[k]:.3f}" for k in titles]) + " |"
    if len(rows) > 1:
        columns = [[row[k] for row in rows.values()] for k in (*KINDS, *titles)]
        cells = [f"{np.mean(x):.3f} ({min(x):.3f} to {max(x):.3f})" for x in columns]
        yield "| mean (range) | " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--dataset", default="grid/heldout")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=20, help="use the first real clips only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--score", default="alignment", help="such as alignment_logit")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    args = parser.parse_args(arguments)
    runtime.start()
    source = open_source(args.dataset, args.split, data_dir=args.data_dir)
    clips = [c for c in read_clips(source, range(source.num_clips)) if not c.label][: args.limit]
    items = list(plan(clips, seed=args.seed))
    options = {"num_clips": len(clips), "score_name": args.score}
    rows = {name: evaluate(name, items, **options) for name in args.checkpoints}
    print(f"{len(clips)} real clips of {args.dataset}/{args.split}")
    print("\n".join(table(rows)))
    left_out = {
        k: [int(row[k]) for row in rows.values()] for k in ("num_left_out", "num_unmeasured")
    }
    print(", ".join(f"{key}: {counts}" for key, counts in left_out.items()))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
