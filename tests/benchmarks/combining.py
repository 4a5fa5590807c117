"""False alarms and detections of files of 1 to 20 pieces, by rules that combine their p-values.

    python -m tests.benchmarks.combining --data_dir=data --dataset=grid --out=combining.png

Pieces are real clips that the scorer was not trained on, and the same clips with the sound of
another one. Each is scored once; files are drawn from them with no, one, half or all pieces
swapped.

The first tables have the calibration that is kept with the checkpoint, and the clips of the test
split. One clip out of line is then in every file of that luck: the tables after them draw 99
calibration clips from both splits again and again, and the files from the other clips. The last one
draws exact p-values that depend on each other: real talkers who fit a little worse, or better, all
the time.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from scipy import stats

from avsync import pretrained
from avsync.metrics.calibration import p_values
from avsync.metrics.combination import simes
from avsync.metrics.tail import tail_p_values
from avsync.reports.drawing import PALETTE, canvas, to_png
from tests.benchmarks.verdicts import Judge, fit, read_clips, swapped

RATE = 0.05
LENGTHS = (1, 2, 5, 10, 20)
NUM_FILES = 2000
NUM_RESAMPLES, FILES_PER_RESAMPLE = 400, 100
CORRELATIONS = (0.0, 0.3, 0.6, 0.9)
CHOSEN = "Simes"

# By the number of pieces, how many of them are swapped.
SWAPPED: Mapping[str, Callable[[int], int]] = {
    "none": lambda m: 0,
    "one": lambda m: 1,
    "half": lambda m: -(-m // 2),
    "all": lambda m: m,
}

Scores = Float[np.ndarray, " n"]
PValues = Float[np.ndarray, "n m"]
Rates = dict[str, dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--dataset", default="grid")
    parser.add_argument("--splits", nargs=2, default=["val", "test"], help="calibration, files")
    parser.add_argument("--checkpoint", type=Path, default=pretrained.GRID)
    parser.add_argument("--lengths", type=int, nargs="*", default=LENGTHS)
    parser.add_argument("--out", type=Path, default=Path("combining.png"))
    args = parser.parse_args(arguments)
    judge = Judge(args.checkpoint)
    scores = []
    for split in args.splits:
        clips = read_clips(args.dataset, split, data_dir=args.data_dir)
        for each in (clips, swapped(clips)):
            scores.append(np.array([fit(judge(clip)) for clip in each]))
    real, fake = [np.concatenate(scores[i::2]) for i in (0, 1)]
    console = Console(width=120)
    rng = np.random.default_rng(0)
    known = judge.reference.scores
    kept = drawn(known, *scores[2:], rng=rng, num_files=NUM_FILES, lengths=args.lengths)
    console.print(*tables(kept, args.lengths, "calibration of the checkpoint"))
    again = redrawn(real, fake, len(known), rng=rng, lengths=args.lengths)
    console.print(*tables(again, args.lengths, "mean over calibrations"))
    console.print(dependent(rng))
    args.out.write_bytes(to_png(draw(again, args.lengths)))


def by_simes(p: PValues) -> Scores:
    return np.apply_along_axis(simes, 1, p)


def by_normal_mean(p: PValues) -> Scores:
    """The mean of normal scores, valid for any one correlation of the pieces."""
    return stats.norm.sf(stats.norm.isf(np.clip(p, 1e-12, 1 - 1e-12)).mean(axis=1))


RULES: Mapping[str, Callable[[PValues], Scores]] = {
    CHOSEN: by_simes,
    "2 x mean": lambda p: np.minimum(2 * p.mean(axis=1), 1),
    "Bonferroni": lambda p: np.minimum(p.shape[1] * p.min(axis=1), 1),
    # Valid for any dependence with the factor e ln m; Vovk & Wang, Biometrika 2020, sec. 3.
    "harmonic mean x e ln m": lambda p: np.minimum(
        max(1.0, np.e * np.log(p.shape[1])) * stats.hmean(p, axis=1), 1
    ),
    # Liu & Xie, Cauchy combination test, JASA 2020.
    "Cauchy": lambda p: stats.cauchy.sf(np.tan((0.5 - p) * np.pi).mean(axis=1)),
    "half Simes, half mean": lambda p: np.minimum(
        2 * np.minimum(by_simes(p), by_normal_mean(p)), 1
    ),
}


def drawn(
    calibration: Scores,
    real: Scores,
    fake: Scores,
    *,
    rng: np.random.Generator,
    num_files: int,
    lengths: Sequence[int],
) -> Rates:
    """By number of swapped pieces and rule, the share of alarms for each length of the file."""
    ways = {"": tail_p_values, ", no tail": p_values}
    pieces = {
        name: [way(scores, calibration=calibration) for scores in (real, fake)]
        for name, way in ways.items()
    }
    found: Rates = {kind: {} for kind in SWAPPED}
    for length in lengths:
        # No clip twice in a file: the one real clip that is out of line counts once.
        order = np.argsort(rng.random((num_files, len(real))), axis=1)[:, :length]
        for kind, number in SWAPPED.items():
            for way, (real_p, fake_p) in pieces.items():
                p = real_p[order]
                p[:, : number(length)] = fake_p[order[:, : number(length)]]
                for name, rule in RULES.items():
                    if way == "" or name in (CHOSEN, "2 x mean"):
                        rate = float(np.mean(rule(p) <= RATE))
                        found[kind].setdefault(f"{name}{way}", []).append(rate)
    return found


def redrawn(
    real: Scores, fake: Scores, num_known: int, *, rng: np.random.Generator, lengths: Sequence[int]
) -> Rates:
    """`drawn`, on average over draws of the calibration clips."""
    total: dict[tuple[str, str], list[list[float]]] = {}
    for _ in range(NUM_RESAMPLES):
        order = rng.permutation(len(real))
        known, rest = order[:num_known], order[num_known:]
        options = {"rng": rng, "num_files": FILES_PER_RESAMPLE, "lengths": lengths}
        rates = drawn(real[known], real[rest], fake[rest], **options)
        for kind, by_rule in rates.items():
            for rule, by_length in by_rule.items():
                total.setdefault((kind, rule), []).append(by_length)
    found: Rates = {kind: {} for kind in SWAPPED}
    for (kind, rule), all_rates in total.items():
        found[kind][rule] = np.mean(all_rates, axis=0).tolist()
    return found


def tables(rates: Rates, lengths: Sequence[int], basis: str) -> list[Table]:
    made = []
    for kind, by_rule in rates.items():
        what = "false alarms" if kind == "none" else f"detected, {kind} of the pieces swapped"
        table = Table("rule", *map(str, lengths), title=f"{what}, by pieces; {basis}")
        for name, by_length in by_rule.items():
            table.add_row(name, *(f"{rate:.3f}" for rate in by_length))
        made.append(table)
    return made


def dependent(rng: np.random.Generator) -> Table:
    """False alarms at exact p-values of 20 and 100 pieces that depend on each other."""
    columns = [f"{rho:g}, {length}" for length in (20, 100) for rho in CORRELATIONS]
    table = Table("rule", *columns, title="false alarms by correlation and number of pieces")
    pieces = []
    for length in (20, 100):
        own, shared = rng.normal(size=(4000, length)), rng.normal(size=(4000, 1))
        for rho in CORRELATIONS:
            pieces.append(stats.norm.sf(np.sqrt(rho) * shared + np.sqrt(1 - rho) * own))
    for name, rule in RULES.items():
        table.add_row(name, *(f"{np.mean(rule(p) <= RATE):.3f}" for p in pieces))
    return table


def draw(rates: Rates, lengths: Sequence[int]) -> Figure:
    """The curves: false alarms, and detections of one, half and all of the pieces."""
    figure, panels = canvas(9, 6.5, num_rows=2, num_columns=2)
    for axes, (kind, by_rule) in zip(panels, rates.items(), strict=True):
        for index, (name, by_length) in enumerate(by_rule.items()):
            is_chosen = name == CHOSEN
            axes.plot(
                lengths,
                by_length,
                color="black" if is_chosen else PALETTE[index % len(PALETTE)],
                linestyle="-" if is_chosen or index < len(PALETTE) else "--",
                linewidth=2.4 if is_chosen else 1.2,
                label=name,
            )
        axes.set(xscale="log", xticks=lengths, xticklabels=map(str, lengths), xlabel="pieces")
        axes.minorticks_off()
        title = "false alarms" if kind == "none" else f"detections, {kind} swapped"
        axes.set_title(title, fontsize=10)
        axes.set_ylim(0, 0.2 if kind == "none" else 1.02)
    panels[0].axhline(RATE, color="#888888", linewidth=0.8, linestyle=":")
    panels[1].legend(fontsize=7, frameon=False)
    return figure


if __name__ == "__main__":
    main()
