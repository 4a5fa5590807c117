"""Verdicts on files of held-out clips: as they are, forged, shifted, and of unheard talkers.

    python -m tests.benchmarks.verdicts --data_dir=data --dataset=grid --strangers=grid/heldout

Files are made of clips in a row, whole and with the sound of another clip in the middle one, and
judged as avsync-score does. The sound of each clip is moved by parts of a frame, and the error of
the offset told. `combining.py` compares the rules behind these verdicts.
"""

import argparse
from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from avsync import build, checkpoint, pretrained
from avsync.datasets.base import open_source
from avsync.input_pipeline.evaluation import whole_clips
from avsync.media.speech import speech_frames
from avsync.media.tracks import MouthTrack
from avsync.scoring.video.clip_scorer import ClipScorer
from avsync.scoring.video.long_clip import LongClip
from avsync.scoring.video.outcome import HeardTrack, outcome
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import SyncResult
from avsync.scoring.video.trimming import TrimmedTrack
from avsync.types import REAL
from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

RATE = 0.05
VERDICTS = ("consistent", "partly_mismatched", "mismatched", "out_of_sync", "not_judged")
ALARMS = ("partly_mismatched", "mismatched")

# Parts of a frame, in samples: a quarter, a half, three quarters.
PARTS = (SAMPLES_PER_FRAME // 4, SAMPLES_PER_FRAME // 2, 3 * SAMPLES_PER_FRAME // 4)
SHIFTS = (0, *PARTS, *(part + 5 * SAMPLES_PER_FRAME for part in PARTS))
MARGIN_FRAMES = 6


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--dataset", default="grid")
    parser.add_argument("--split", default="test")
    parser.add_argument("--strangers", help="dataset of talkers unlike the calibration clips")
    parser.add_argument("--checkpoint", type=Path, default=pretrained.GRID)
    parser.add_argument("--files_of", type=int, nargs="*", default=[1, 5, 20])
    args = parser.parse_args(arguments)
    judge = Judge(args.checkpoint)
    console = Console(width=120)
    clips = read_clips(args.dataset, args.split, data_dir=args.data_dir)
    console.print(whole_files(clips, judge, args.files_of, title=args.dataset))
    console.print(shifts(clips, judge, title=args.dataset))
    if args.strangers:
        strangers = read_clips(args.strangers, "test", data_dir=args.data_dir)
        console.print(whole_files(strangers, judge, [1], title=args.strangers))
        console.print(shifts(strangers, judge, title=args.strangers))


class Judge:
    """The result of a file with one face, as `VideoScorer` makes it."""

    def __init__(self, place: Path):
        workdir, step = checkpoint.find(place)
        known = checkpoint.read_calibration(workdir, step)
        self.reference = Reference(known, false_alarm_rate=RATE)
        scorer = build.load_scorer(workdir, step, extraction=None)
        self._scorer = ClipScorer(self.reference.apply_rules(scorer), self.reference)

    def __call__(self, clip: LongClip) -> SyncResult:
        heard = self._scorer.hear(clip)
        scores = self._scorer.score([clip], heard=[heard])
        counts = np.ones(clip.num_frames, bool) if clip.counts is None else clip.counts
        trimmed = TrimmedTrack(0, array("q"), clip.waveform, counts)
        track = HeardTrack(MouthTrack(0), trimmed, clip, heard, 0.0)
        return outcome(scores, [track], self.reference)


def read_clips(dataset: str, split: str, *, data_dir: str) -> list[LongClip]:
    """The real clips of the split, trimmed."""
    source = open_source(dataset, split, data_dir=data_dir)
    clips = whole_clips(source, trim="leading")
    return [joined([(clip.visual, clip.audio)]) for clip in clips if clip.info.label == REAL]


def joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> LongClip:
    """Crops and sounds in a row as one clip."""
    visual, audio = (np.concatenate(streams) for streams in zip(*parts, strict=True))
    return LongClip(len(visual), lambda first, end: visual[first:end], audio, speech_frames(audio))


def in_a_row(clips: Sequence[LongClip]) -> LongClip:
    return joined([(clip.read(0, clip.num_frames), clip.waveform) for clip in clips])


def swapped(clips: Sequence[LongClip]) -> list[LongClip]:
    """Each clip with the sound of the next one, as far as both go."""
    made = []
    for clip, other in zip(clips, [*clips[1:], clips[0]], strict=True):
        num_frames = min(clip.num_frames, other.num_frames)
        sound = other.cut(0, num_frames)
        made.append(clip.cut(0, num_frames)._replace(waveform=sound.waveform, counts=sound.counts))
    return made


def fit(result: SyncResult) -> float:
    """The score that tells how the sound fits."""
    score = result.score_resynced if result.is_shifted else result.score
    assert score is not None
    return score


def whole_files(
    clips: Sequence[LongClip], judge: Judge, lengths: Sequence[int], *, title: str
) -> Table:
    """Verdicts on files of clips in a row, without and with one swapped clip in the middle."""
    columns = ("clips", "swapped", "files", *VERDICTS, "mismatch, 95 %", "offset told")
    table = Table(*columns, title=f"verdicts on whole files of {title}")
    fakes = swapped(clips)
    for length in lengths:
        for number in (0, 1):
            results = []
            for first in range(0, len(clips) - length + 1, length):
                parts = list(clips[first : first + length])
                if number:
                    parts[length // 2] = fakes[first + length // 2]
                results.append(judge(in_a_row(parts)))
            verdicts = Counter(result.verdict for result in results)
            alarms = sum(verdicts[verdict] for verdict in ALARMS)
            interval = stats.binomtest(alarms, len(results)).proportion_ci(method="exact")
            table.add_row(
                *(str(length), str(number), str(len(results))),
                *(str(verdicts[verdict]) for verdict in VERDICTS),
                f"{alarms / len(results):.3f} [{interval.low:.3f}, {interval.high:.3f}]",
                str(sum(result.offset_is_certain for result in results)),
            )
    return table


def shifts(clips: Sequence[LongClip], judge: Judge, *, title: str) -> Table:
    """Errors of the offset where the sound is moved, against the offset of the clip as it is."""
    table = Table("moved, ms", "told", "mean |error|, ms", "mean, ms", "largest", title=title)
    kept = [clip for clip in clips if clip.num_frames > 4 * MARGIN_FRAMES]
    own = [judge(moved(clip, 0)) for clip in kept]
    for samples in SHIFTS[1:]:
        errors = []
        for clip, unmoved in zip(kept, own, strict=True):
            result = judge(moved(clip, samples))
            if result.offset_is_certain and unmoved.offset_is_certain:
                seconds = (result.offset_seconds or 0.0) - (unmoved.offset_seconds or 0.0)
                errors.append(1000 * (seconds - samples / SAMPLE_RATE))
        size = np.abs(errors)
        table.add_row(
            f"{1000 * samples / SAMPLE_RATE:+.0f}",
            f"{len(errors)} of {len(kept)}",
            f"{size.mean():.1f}",
            f"{np.mean(errors):+.1f}",
            f"{size.max():.1f}",
        )
    return table


def moved(clip: LongClip, late_samples: int) -> LongClip:
    """The clip without its ends, its sound `late_samples` late; at most `MARGIN_FRAMES` frames."""
    first, end = MARGIN_FRAMES, clip.num_frames - MARGIN_FRAMES
    assert abs(late_samples) <= MARGIN_FRAMES * SAMPLES_PER_FRAME
    start = first * SAMPLES_PER_FRAME - late_samples
    sound = clip.waveform[start : start + (end - first) * SAMPLES_PER_FRAME]
    return clip.cut(first, end)._replace(waveform=sound, counts=speech_frames(sound))


if __name__ == "__main__":
    main()
