"""How well checkpoints do on talkers that they were not trained on, from few clips.

    python -m tests.benchmarks.strangers --data_dir=data --dataset=grid/heldout runs/grid runs/other

A handful of clips gives a handful of swaps in an evaluation. Here every clip gets the sound of each
other one (all ordered pairs), every other fake is made at several places, and the sound of every
real clip is moved by each offset. AUC with a 95% interval over talkers: fakes count with the
product of the weights of the talkers that they show and that they are heard from. Leading silence
is trimmed. With several checkpoints, the last row of each kind is their mean, such as over seeds.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avsync import build, checkpoint, runtime
from avsync.datasets.base import open_source
from avsync.datasets.fabricate import CannotFabricate, freeze, shift, splice, swap
from avsync.evaluation.lines import Line
from avsync.evaluation.scores import make_score_views
from avsync.evaluation.views import Views
from avsync.input_pipeline.clips import clip_batches, read_clips
from avsync.types import Clip

PLACES = 10  # fakes of each clip and kind, other than swaps
MAX_SHIFT_FRAMES = 10
NUM_RESAMPLES = 1000

PLACED = {
    "splice_0.8s": (splice, {"seconds": 0.8}),
    "splice_0.4s": (splice, {"seconds": 0.4}),
    "freeze_0.8s": (freeze, {"seconds": 0.8}),
}


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


def measure(fakes: list[Fake], lines: list[Line], num_clips: int) -> dict[str, float]:
    """AUC with its interval by kind, and the shares of offsets found exactly and within a frame."""
    scores = np.array([line.scores["alignment"] for line in lines], float)
    kinds = np.array([fake.kind for fake in fakes])
    weights = resampled(num_clips)
    real = scores[kinds == "real"]
    numbers: dict[str, float] = {}
    for kind in ("swap", *PLACED):
        at = kinds == kind
        rows = [fake for fake, is_kind in zip(fakes, at, strict=True) if is_kind]
        shown, heard = [r.clip for r in rows], [r.donor for r in rows]
        wins = (scores[at][:, None] > real) + 0.5 * (scores[at][:, None] == real)
        aucs = [
            (pair[:, None] * w * wins).sum() / (pair.sum() * w.sum())
            for w in weights
            if (pair := w[shown] * w[heard] if kind == "swap" else w[shown]).sum()
        ]
        low, high = np.quantile(aucs[1:], (0.025, 0.975))
        numbers |= {kind: float(aucs[0]), f"{kind}_low": float(low), f"{kind}_high": float(high)}
    found = [line.offset_frames for line in lines]
    errors = {
        kind: np.array(
            [abs(got - f.offset) if got is not None else np.inf
             for f, got in zip(fakes, found, strict=True) if f.kind == kind]
        )
        for kind in ("real", "moved")
    }  # fmt: skip
    for kind, error in errors.items():
        numbers[f"{kind}_within_1"] = float((error <= 1).mean())
        numbers[f"{kind}_exact"] = float((error == 0).mean())
    return numbers


def resampled(num: int) -> np.ndarray:
    """Weights of the clips: all 1, then those of bootstrap samples, [1 + resamples, num]."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(num, np.full(num, 1 / num), size=NUM_RESAMPLES)
    return np.concatenate([np.ones((1, num)), drawn])


def evaluate(workdir: str, items: list[tuple[Fake, Clip]], num_clips: int) -> dict[str, float]:
    """The numbers of one checkpoint."""
    scorer = build.load_scorer(*checkpoint.find(workdir), extraction=None)
    batches = clip_batches((clip for _, clip in items), batch_size=16, trim="leading")
    views = Views("strangers", "test", {"trimmed": batches}, len(items), None)
    lines = make_score_views(scorer, others={})(views).lines
    return measure([fake for fake, _ in items], lines, num_clips)


def table(rows: dict[str, dict[str, float]]) -> Iterable[str]:
    """The lines of the table, and the mean over all rows if there are several."""
    if len(rows) > 1:
        keys = next(iter(rows.values()))
        rows = {**rows, "mean": {k: float(np.mean([r[k] for r in rows.values()])) for k in keys}}
    kinds = ("swap", *PLACED)
    yield "| checkpoint | " + " | ".join(kinds) + " | offset of reals ±1 | of moved ±1 | exact |"
    yield "|---" * (len(kinds) + 4) + "|"
    for name, r in rows.items():
        cells = [f"{r[k]:.3f} [{r[k + '_low']:.3f}, {r[k + '_high']:.3f}]" for k in kinds]
        offsets = [f"{r[k]:.3f}" for k in ("real_within_1", "moved_within_1", "moved_exact")]
        yield f"| {name} | " + " | ".join(cells + offsets) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--dataset", default="grid/heldout")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=20, help="use the first real clips only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    args = parser.parse_args()
    runtime.start()
    source = open_source(args.dataset, args.split, data_dir=args.data_dir)
    clips = [c for c in read_clips(source, range(source.num_clips)) if not c.label][: args.limit]
    items = list(plan(clips, seed=args.seed))
    rows = {name: evaluate(name, items, len(clips)) for name in args.checkpoints}
    print(f"{len(clips)} real clips of {args.dataset}/{args.split}")
    print("\n".join(table(rows)))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
