"""The sentences and tables of a data card, shared by the HTML page and the Markdown file."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from avsync.input_pipeline.sampling import ClipSample
from avsync.media.rejects import REASONS
from avsync.reports.card.contents import (
    CLASSES,
    SEED,
    Contents,
    SplitContents,
    class_of,
    media_text,
)
from avsync.types import CATEGORIES

SILENCE_HEADING, SOURCES_HEADING = "Leading silence", "Sources"

# Rows of the sources table: a scraped corpus has hundreds of formats.
MAX_ROWS = 8

# Examples per reject reason.
MAX_EXAMPLES = 2
MAX_DETAIL_CHARACTERS = 120


class Table(NamedTuple):
    """Rows of text in named groups; the first cell of a row is its heading."""

    heading: str
    head: Sequence[str]
    groups: Mapping[str, Sequence[Sequence[str]]]
    caption: str = ""


def headline(contents: Contents) -> str:
    """Number of clips, splits and hours in one sentence."""
    about = "about " if contents.is_sampled else ""
    hours = sum(split.hours() for split in contents.splits)
    classes = [sum(split.tally(class_of)[label] for split in contents.splits) for label in CLASSES]
    counts = " and ".join(
        f"{about}{n:,} {label}" for n, label in zip(classes, CLASSES, strict=True)
    )
    splits = "1 split" if len(contents.splits) == 1 else f"{len(contents.splits)} splits"
    return f"{contents.num_clips:,} clips in {splits}, {about}{hours:.2f} hours: {counts}."


def sampling_note(contents: Contents) -> str:
    """Explains which clips the numbers were computed from."""
    if not contents.is_sampled:
        return "All clips were read. A clip that is in two splits counts in both."
    return (
        f"Larger splits were sampled: {contents.max_clips:,} clips drawn at random (seed {SEED}). "
        "Numbers marked ≈ are estimates from the sample, within 5% of the split's clips in 19 of "
        "20 cards; numbers of clips per split are exact. A clip that is in two splits counts in "
        "both."
    )


def splits(contents: Contents) -> Table:
    """Size, length and speakers of each split."""
    head = ["Split", "Clips", "Real", "Fake", "Hours", "Seconds per clip", "Speakers", "Real only"]
    rows = [_split_row(split) for split in contents.splits]
    caption = (
        "Seconds per clip: median, minimum to maximum. Real only: the builder guarantees that the "
        "split holds no fakes, so alignment may be trained on it."
    )
    return Table("Splits", head, {"": rows}, caption)


def clips(contents: Contents) -> Table:
    """Number of clips by category and by manipulation, for each split."""
    by_category = [split.tally(lambda clip: clip.category) for split in contents.splits]
    by_manipulation = [split.tally(lambda clip: clip.manipulation) for split in contents.splits]
    manipulations = sorted(sum(by_manipulation, Counter()), key=lambda name: (name != "real", name))
    groups = {
        "By category": _rows_of(CATEGORIES, by_category, contents),
        "By manipulation": _rows_of(manipulations, by_manipulation, contents),
    }
    caption = "Categories: real (R) or fake (F) video (V) and audio (A)."
    head = ["Clips", *[split.name for split in contents.splits], "all"]
    return Table("Clips by kind", head, groups, caption)


def silence(contents: Contents) -> Table:
    """Silence before the first sound, by split and class."""
    groups = {
        split.name: [
            _silence_row(label, [clip.leading_silence_seconds for clip in in_class])
            for label in CLASSES
            if (in_class := split.of_class(label))
        ]
        for split in contents.splits
    }
    caption = (
        "Seconds before the first sample above 5·10⁻⁴ of full scale. If real and fake clips differ "
        "here, a supervised model learns that shortcut; avsync-audit measures how well it works."
    )
    head = ["Class", "Without silence", "Median", "95th percentile", "Maximum"]
    return Table(SILENCE_HEADING, head, groups, caption)


def sources(contents: Contents) -> Table:
    """Formats of the raw files, where known."""
    kinds_of_source = {
        "Container": lambda clip: media_text(clip, "{}", "container"),
        "Video": lambda clip: media_text(
            clip,
            "{}, {} x {}, {:.4g} fps",
            *("video_codec", "width_pixels", "height_pixels", "video_frames_per_second"),
        ),
        "Audio": lambda clip: media_text(
            clip,
            "{}, {} Hz, {} channels",
            *("audio_codec", "sample_rate_hertz", "num_audio_channels"),
        ),
        "Eye distance": lambda clip: _eyes(clip),
    }
    groups = {name: _source_rows(contents, kind) for name, kind in kinds_of_source.items()}
    groups = {name: rows for name, rows in groups.items() if rows}
    caption = "A fake made by avsync has the source of the real clip that it was made from."
    return Table(SOURCES_HEADING, ["Clips", *CLASSES], groups, caption if groups else "")


def rejects(lines: Sequence[Mapping[str, str]]) -> Table:
    """Raw files that were rejected, by reason, with examples."""
    by_reason: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for line in lines:
        by_reason[line["reason"]].append(line)
    rows = [
        [f"{reason}: {REASONS.get(reason, '')}", str(len(files)), _examples(files)]
        for reason, files in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    ]
    return Table("Rejects", ["Reason", "Files", "Examples"], {"": rows} if rows else {})


def preparation(report: Mapping[str, Any]) -> Table:
    """Settings and notes of the preparation, from prepare_report.json."""
    shown = {
        "Face detector": report.get("detector"),
        "Clip lists": ", ".join(report.get("split_list") or []),
        "Disjoint by": report.get("disjoint"),
        "Limit of clips per split": report.get("limit"),
        "Made by": _makers(report),
        "Seconds": report.get("seconds"),
        "Clips with other faces in view": report.get("num_clips_with_other_faces"),
        "Largest difference of audio and video length": _seconds(
            report.get("largest_length_difference_seconds")
        ),
        "Notes": "; ".join(report.get("notes") or []),
    }
    rows = [[name, str(value)] for name, value in shown.items() if value not in (None, "")]
    return Table("Preparation", ["", ""], {"": rows})


def _makers(report: Mapping[str, Any]) -> str:
    """Names the engine that prepared the clips, with its number of processes if that is known."""
    engine = report.get("engine", "local")
    if engine != "local":
        return f"a cluster, with {engine.capitalize()}"
    return f"worker processes: {report['num_workers']}" if "num_workers" in report else ""


def _split_row(split: SplitContents) -> list[str]:
    classes = split.tally(class_of)
    seconds = [clip.seconds for clip in split.samples]
    about = split.about
    at_least = "≥" if about else ""
    identities = {clip.identity for clip in split.samples} - {""}
    low, high = (min(seconds), max(seconds)) if seconds else (0.0, 0.0)
    median = float(np.median(seconds)) if seconds else 0.0
    return [
        split.name,
        f"{split.num_clips:,}",
        *[f"{about}{classes[label]:,}" for label in CLASSES],
        f"{about}{split.hours():.2f}",
        f"{median:.2f}, {low:.2f} to {high:.2f}",
        f"{at_least}{len(identities):,}" if identities else "unknown",
        "yes" if split.is_real_only else "",
    ]


def _silence_row(label: str, seconds: Sequence[float]) -> list[str]:
    median, high = np.quantile(seconds, [0.5, 0.95])
    none = np.mean(np.equal(seconds, 0))
    return [label, f"{none:.0%}", f"{median:.3f}", f"{high:.3f}", f"{max(seconds):.3f}"]


def _rows_of(
    names: Sequence[str], counts: Sequence[Counter[str]], contents: Contents
) -> list[list[str]]:
    """One row per name that occurs: its number of clips in each split and in total."""
    total = sum(counts, Counter())
    abouts = [split.about for split in contents.splits]
    return [
        [
            name,
            *[
                f"{about}{n[name]:,}" if n[name] else ""
                for about, n in zip(abouts, counts, strict=True)
            ],
            f"{max(abouts)}{total[name]:,}",
        ]
        for name in names
        if total[name]
    ]


def _source_rows(contents: Contents, kind: Callable[[ClipSample], str]) -> list[list[str]]:
    """The most frequent kinds with their numbers of clips by class."""
    counts: dict[str, Counter[str]] = {label: Counter() for label in CLASSES}
    for split in contents.splits:
        for label in CLASSES:
            counts[label] += split.tally(lambda c, label=label: kind(c) * (class_of(c) == label))
    total = sum(counts.values(), Counter())
    del total[""]
    frequent = [name for name, _ in total.most_common()]
    about = max(split.about for split in contents.splits)
    rows = [
        [name, *[f"{about}{counts[label][name]:,}" for label in CLASSES]]
        for name in frequent[:MAX_ROWS]
    ]
    if others := frequent[MAX_ROWS:]:
        sums = [sum(counts[label][name] for name in others) for label in CLASSES]
        rows.append([f"{len(others)} others", *[f"{about}{n:,}" for n in sums]])
    return rows


def _eyes(clip: ClipSample) -> str:
    """Distance between the outer eye corners as a power-of-two range: "32 to 64 pixels"."""
    pixels = clip.media.get("eye_distance_pixels")
    if not pixels:
        return ""
    low = 2 ** int(np.log2(max(pixels, 1.0)))
    return f"{low} to {2 * low} pixels"


def _examples(lines: Sequence[Mapping[str, str]]) -> str:
    shown = [
        f"{line['path']} ({line['detail'][:MAX_DETAIL_CHARACTERS]})"
        for line in lines[:MAX_EXAMPLES]
    ]
    return "; ".join(shown)


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f} s"
