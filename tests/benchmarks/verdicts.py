"""False alarms and detections of files of 1 to 100 pieces, by rules that combine their p-values.

    python tests/benchmarks/verdicts.py --data_dir=data --dataset=grid/by_clip --out=verdicts.png

Pieces are held-out real clips, and the same clips with the sound of another one. The shipped scorer
scores each once; files are drawn from them with no, one, half or all pieces swapped. A second table
draws files in which the pieces depend on each other: real talkers who fit a little worse, or
better, all the time. The third scores whole files, made of clips in a row, as avsync-score does.
"""

import argparse
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from scipy import stats

from avsync import build, checkpoint, pretrained
from avsync.datasets.base import open_source
from avsync.input_pipeline.evaluation import whole_clips
from avsync.media.speech import speech_frames
from avsync.media.tracks import MouthTrack
from avsync.metrics.calibration import p_values
from avsync.metrics.combination import simes
from avsync.reports.drawing import PALETTE, canvas, to_png
from avsync.scoring.video.clip_scorer import ClipScorer
from avsync.scoring.video.long_clip import LongClip
from avsync.scoring.video.outcome import HeardTrack, outcome
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import SyncResult
from avsync.scoring.video.trimming import TrimmedTrack
from avsync.types import REAL

RATE = 0.05
LENGTHS = (1, 2, 5, 10, 20, 50, 100)
NUM_FILES = 2000
CORRELATIONS = (0.0, 0.3, 0.6, 0.9)

VERDICTS = ("consistent", "partly_mismatched", "mismatched", "out_of_sync", "not_judged")

Scores = Float[np.ndarray, "n m"]
PValues = Float[np.ndarray, " n"]
Rates = dict[str, dict[int, float]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--dataset", default="grid/by_clip")
    parser.add_argument("--split", default="test")
    parser.add_argument("--checkpoint", type=Path, default=pretrained.GRID)
    parser.add_argument("--files_of", type=int, nargs="*", default=[1, 5, 20])
    parser.add_argument("--out", type=Path, default=Path("verdicts.png"))
    args = parser.parse_args(arguments)
    workdir, step = checkpoint.find(args.checkpoint)
    reference = Reference(checkpoint.read_calibration(workdir, step), false_alarm_rate=RATE)
    scorer = build.load_scorer(workdir, step, extraction=None)
    clip_scorer = ClipScorer(reference.apply_rules(scorer), reference)
    clips = read_clips(args)
    sounds = [*clips[1:], clips[0]]
    swapped = [swap(*pair) for pair in zip(clips, sounds, strict=True)]
    real, fake = (
        np.array([fit(judged(clip, clip_scorer, reference)) for clip in each])
        for each in (clips, swapped)
    )
    console = Console(width=120)
    rates = simulate(real, fake, reference)
    console.print(*(table_of(rates[kind], kind) for kind in rates))
    console.print(dependent())
    console.print(whole_files(clips, swapped, clip_scorer, reference, args.files_of))
    args.out.write_bytes(to_png(draw(rates)))


def read_clips(args: argparse.Namespace) -> list[LongClip]:
    """The real clips of the split, trimmed."""
    source = open_source(args.dataset, args.split, data_dir=args.data_dir)
    clips = whole_clips(source, trim="leading")
    return [joined([(clip.visual, clip.audio)]) for clip in clips if clip.info.label == REAL]


def joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> LongClip:
    """Crops and sounds in a row as one clip."""
    visual, audio = (np.concatenate(streams) for streams in zip(*parts, strict=True))
    return LongClip(len(visual), lambda first, end: visual[first:end], audio, speech_frames(audio))


def swap(clip: LongClip, other: LongClip) -> LongClip:
    """The clip with the sound of another one, as far as both go."""
    num_frames = min(clip.num_frames, other.num_frames)
    return clip.cut(0, num_frames)._replace(
        waveform=other.cut(0, num_frames).waveform, counts=other.cut(0, num_frames).counts
    )


def in_a_row(clips: Sequence[LongClip]) -> LongClip:
    return joined([(clip.read(0, clip.num_frames), clip.waveform) for clip in clips])


def judged(clip: LongClip, clip_scorer: ClipScorer, reference: Reference) -> SyncResult:
    """The result of a file with one face, as `VideoScorer` makes it."""
    heard = clip_scorer.hear(clip)
    scores = clip_scorer.score([clip], heard=[heard])
    counts = np.ones(clip.num_frames, bool) if clip.counts is None else clip.counts
    trimmed = TrimmedTrack(0, array("q"), clip.waveform, counts)
    return outcome(scores, [HeardTrack(MouthTrack(0), trimmed, clip, heard, 0.0)], reference)


def fit(result: SyncResult) -> float:
    """The score that tells how the sound fits."""
    score = result.score_resynced if result.is_shifted else result.score
    assert score is not None
    return score


def rules(reference: Reference) -> dict[str, Callable[[Scores], PValues]]:
    """By name, the p-value of each file from the scores of its pieces."""
    calibration = reference.scores

    def conformal(scores: Scores) -> Scores:
        return p_values(scores.ravel(), calibration=calibration).reshape(scores.shape)

    def tail(scores: Scores) -> Scores:
        return reference.p_values(scores.ravel()).reshape(scores.shape)

    return {
        "2 x mean, no tail": lambda s: combined["2 x mean"](conformal(s)),
        "Simes, no tail": lambda s: combined["Simes"](conformal(s)),
        **{name: (lambda s, f=f: f(tail(s))) for name, f in combined.items()},
    }


def by_rank(p: Scores) -> PValues:
    """Simes: the smallest of m / i times the i-th smallest."""
    return np.apply_along_axis(simes, 1, p)


def by_normal_mean(p: Scores) -> PValues:
    """The mean of normal scores, valid for any one correlation of the pieces."""
    return stats.norm.sf(stats.norm.isf(np.clip(p, 1e-12, 1 - 1e-12)).mean(axis=1))


combined: Mapping[str, Callable[[Scores], PValues]] = {
    "2 x mean": lambda p: np.minimum(2 * p.mean(axis=1), 1),
    "Bonferroni": lambda p: np.minimum(p.shape[1] * p.min(axis=1), 1),
    # Valid for any dependence with the factor e ln m; Vovk & Wang, Biometrika 2020, sec. 3.
    "harmonic mean x e ln m": lambda p: np.minimum(
        max(1.0, np.e * np.log(p.shape[1])) * stats.hmean(p, axis=1), 1
    ),
    # Liu & Xie, Cauchy combination test, JASA 2020.
    "Cauchy": lambda p: stats.cauchy.sf(np.tan((0.5 - p) * np.pi).mean(axis=1)),
    "Simes": by_rank,
    "half Simes, half mean": lambda p: np.minimum(2 * np.minimum(by_rank(p), by_normal_mean(p)), 1),
}


def simulate(real: Scores, fake: Scores, reference: Reference) -> dict[str, Rates]:
    """By number of swapped pieces in words, the share of alarms by rule and length of the file."""
    rng = np.random.default_rng(0)
    numbers = {
        "none": lambda m: 0, "one": lambda m: 1, "half": lambda m: -(-m // 2), "all": lambda m: m
    }  # fmt: skip
    found: dict[str, Rates] = {kind: {} for kind in numbers}
    for length in LENGTHS:
        # No clip twice in a file: the one real clip that is out of line counts once.
        order = np.argsort(rng.random((NUM_FILES, max(len(real), length))), axis=1)[:, :length]
        order %= len(real)
        for kind, number in numbers.items():
            scores = real[order].copy()
            scores[:, : number(length)] = fake[order[:, : number(length)]]
            for name, rule in rules(reference).items():
                rate = float(np.mean(rule(scores) <= RATE))
                found[kind].setdefault(name, {})[length] = rate
    return found


def table_of(rates: Rates, kind: str) -> Table:
    title = "false alarms" if kind == "none" else f"detected, {kind} of the pieces swapped"
    table = Table("rule", *map(str, LENGTHS), title=f"{title}, by number of pieces")
    for name, by_length in rates.items():
        table.add_row(name, *(f"{rate:.3f}" for rate in by_length.values()))
    return table


def dependent() -> Table:
    """False alarms at exact p-values of 20 and 100 pieces that depend on each other."""
    rng = np.random.default_rng(0)
    lengths = (20, 100)
    columns = [f"{rho:g}, {length}" for length in lengths for rho in CORRELATIONS]
    table = Table("rule", *columns, title="false alarms by correlation and number of pieces")
    drawn = []
    for length in lengths:
        own, shared = rng.normal(size=(4000, length)), rng.normal(size=(4000, 1))
        for rho in CORRELATIONS:
            drawn.append(stats.norm.sf(np.sqrt(rho) * shared + np.sqrt(1 - rho) * own))
    for name, rule in combined.items():
        table.add_row(name, *(f"{np.mean(rule(p) <= RATE):.3f}" for p in drawn))
    return table


def whole_files(
    clips: list[LongClip],
    swapped: list[LongClip],
    clip_scorer: ClipScorer,
    reference: Reference,
    lengths: Sequence[int],
) -> Table:
    """Verdicts on files of clips in a row, without and with one swapped clip in the middle."""
    columns = ("clips", "swapped", "files", *VERDICTS, "mismatch, 95 %", "offset told")
    table = Table(*columns, title="verdicts on whole files")
    for length in lengths:
        for number in (0, 1):
            results = []
            for first in range(0, len(clips) - length + 1, length):
                parts = clips[first : first + length]
                if number:
                    parts[length // 2] = swapped[first + length // 2]
                results.append(judged(in_a_row(parts), clip_scorer, reference))
            verdicts = [result.verdict for result in results]
            alarms = sum(verdicts.count(verdict) for verdict in VERDICTS[1:3])
            interval = stats.binomtest(alarms, len(results)).proportion_ci(method="exact")
            table.add_row(
                *(str(length), str(number), str(len(results))),
                *(str(verdicts.count(verdict)) for verdict in VERDICTS),
                f"{alarms / len(results):.3f} [{interval.low:.3f}, {interval.high:.3f}]",
                str(sum(result.offset_is_certain for result in results)),
            )
    return table


def draw(rates: dict[str, Rates]) -> Figure:
    """The curves: false alarms, and detections of one, half and all of the pieces."""
    figure, panels = canvas(9, 6.5, num_rows=2, num_columns=2)
    for axes, (kind, by_rule) in zip(panels, rates.items(), strict=True):
        for index, (name, by_length) in enumerate(by_rule.items()):
            is_chosen = name == "Simes"
            axes.plot(
                list(by_length),
                list(by_length.values()),
                color="black" if is_chosen else PALETTE[index % len(PALETTE)],
                linestyle=("-", "--")[index >= len(PALETTE)] if not is_chosen else "-",
                linewidth=2.4 if is_chosen else 1.2,
                label=name,
            )
        axes.set(xscale="log", xticks=LENGTHS, xticklabels=map(str, LENGTHS), xlabel="pieces")
        axes.minorticks_off()
        title = "false alarms" if kind == "none" else f"detections, {kind} swapped"
        axes.set_title(title, fontsize=10)
        axes.set_ylim(0, 0.2 if kind == "none" else 1.02)
    panels[0].axhline(RATE, color="#888888", linewidth=0.8, linestyle=":")
    panels[1].legend(fontsize=7, frameon=False)
    return figure


if __name__ == "__main__":
    main()
