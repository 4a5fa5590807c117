"""The numbers of a card as tables, for the page and for the text alike."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from avsync.input_pipeline.sampling import Glimpse
from avsync.media.rejects import REASONS
from avsync.reports.card.contents import CLASSES, Contents, SplitContents, class_of, media_text
from avsync.types import CATEGORIES

# Rows of kinds of sources: a scraped corpus has hundreds.
MAX_ROWS = 8

# Of rejects with the same reason.
MAX_EXAMPLES = 2
MAX_DETAIL_CHARACTERS = 120


class Table(NamedTuple):
    """Rows of text, in named groups; the first cell of each is what the row is about."""

    heading: str
    head: Sequence[str]
    groups: Mapping[str, Sequence[Sequence[str]]]
    caption: str = ""


def splits(contents: Contents) -> Table:
    """What each split holds."""
    head = ["Split", "Clips", "Real", "Fake", "Hours", "Seconds a clip", "Identities", "Real only"]
    rows = [_split_row(split) for split in contents.splits]
    caption = (
        "Seconds a clip: median, shortest to longest. Real only: what alignment may be trained on."
    )
    return Table("Splits", head, {"": rows}, caption)


def kinds(contents: Contents) -> Table:
    """Categories and ways of forging by split."""
    by_category = [split.tally(lambda clip: clip.category) for split in contents.splits]
    by_method = [split.tally(lambda clip: clip.manipulation) for split in contents.splits]
    methods = sum(by_method, Counter())
    ways = sorted(methods, key=lambda name: (name != "real", name))
    groups = {
        "By category": _rows_of(CATEGORIES, by_category, contents),
        "By method": _rows_of(ways, by_method, contents),
    }
    caption = "Of a category, what is real (R) or fake (F) of the video (V) and of the audio (A)."
    return Table("Kinds", ["Clips", *[s.name for s in contents.splits], "all"], groups, caption)


def silence(contents: Contents) -> Table:
    """How long clips are silent before the first sound, by class."""
    groups = {
        split.name: [
            _silence_row(label, [clip.leading_silence_seconds for clip in of_class])
            for label in CLASSES
            if (of_class := split.of_class(label))
        ]
        for split in contents.splits
    }
    caption = (
        "Seconds before the first sample above 5·10⁻⁴. Where reals and fakes differ here, a model "
        "that is taught by labels learns that; avsync-audit measures how far it gets."
    )
    head = ["Class", "Without silence", "Median", "95 of 100 below", "Longest"]
    return Table("Leading silence", head, groups, caption)


def sources(contents: Contents) -> Table:
    """Formats of the raw files, as far as they are known."""
    kinds_of_source = {
        "Container": lambda clip: media_text(clip, "{}", "container"),
        "Picture": lambda clip: media_text(
            clip,
            "{}, {} x {}, {:.4g} fps",
            *("video_codec", "width_pixels", "height_pixels", "video_frames_per_second"),
        ),
        "Sound": lambda clip: media_text(
            clip,
            "{}, {} Hz, {} channels",
            *("audio_codec", "sample_rate_hertz", "num_audio_channels"),
        ),
        "Distance of the eyes": lambda clip: _eyes(clip),
    }
    groups = {name: _source_rows(contents, kind) for name, kind in kinds_of_source.items()}
    groups = {name: rows for name, rows in groups.items() if rows}
    caption = "A fake that was made here has the source of the clip that it was made from."
    return Table("Sources", ["Clips", *CLASSES], groups, caption if groups else "")


def rejects(lines: Sequence[Mapping[str, str]]) -> Table:
    """Why raw files did not become clips, with examples."""
    by_reason: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for line in lines:
        by_reason[line["reason"]].append(line)
    rows = [
        [f"{reason}: {REASONS.get(reason, '')}", str(len(found)), _examples(found)]
        for reason, found in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    ]
    return Table("Rejects", ["Reason", "Files", "For example"], {"": rows} if rows else {})


def preparation(report: Mapping[str, Any]) -> Table:
    """How it was prepared: what the report says beside its counts."""
    shown = {
        "Detector of faces": report.get("detector"),
        "Lists of clips": ", ".join(report.get("split_list") or []),
        "Disjoint": report.get("disjoint"),
        "At most so many clips": report.get("limit"),
        "Processes": report.get("num_workers"),
        "Seconds": report.get("seconds"),
        "Clips with other faces in view": report.get("num_clips_with_other_faces"),
        "Sound and picture differ by at most": _seconds(
            report.get("largest_length_difference_seconds")
        ),
        "Notes": "; ".join(report.get("notes") or []),
    }
    rows = [[name, str(value)] for name, value in shown.items() if value not in (None, "")]
    return Table("Preparation", ["", ""], {"": rows})


def _split_row(split: SplitContents) -> list[str]:
    classes = split.tally(class_of)
    seconds = [clip.seconds for clip in split.glimpses]
    about = split.about
    at_least = "≥" if about else ""
    identities = {clip.identity for clip in split.glimpses} - {""}
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
    """A row for each name that there is, with its number in each split and in all together."""
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


def _source_rows(contents: Contents, kind: Callable[[Glimpse], str]) -> list[list[str]]:
    """The most frequent kinds, with how many clips of each class are of them."""
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


def _eyes(clip: Glimpse) -> str:
    """Face sizes by powers of two: 32 to 64 pixels between the outer corners of the eyes."""
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
