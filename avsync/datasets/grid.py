"""GRID: 34 speakers saying sentences such as "bin blue at f two now", all real.

Cooke, Barker, Cunningham and Shao (JASA 2006), https://zenodo.org/records/3625687. Of speaker 21
there is no video. avsync makes the fakes itself; those of the test split come from clips that are
never trained on.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from avsync.datasets._fakes import with_fakes
from avsync.datasets._portions import Portioned, identity
from avsync.datasets._splits import split_of_talker, stable_hash
from avsync.datasets.base import MediaBuilder
from avsync.types import Clip, MediaFile

VIDEO_SUFFIXES = (".mpg", ".mkv", ".mp4", ".avi", ".mov")

# A ninth of each speaker's clips is held out for validation, and another for test: 100 each of 900.
CLIPS_PER_HELD_OUT = 9
MAX_HELD_OUT_CLIPS = 100

# Two, so that each has a donor. Speakers with fewer than 3 x 2 clips are in train only.
MIN_HELD_OUT_CLIPS = 2

# A folder name such as "s7", "grid_s7" or that of an archive, "s7.mpg_vcd" or "s7.mpg_6000.part1";
# speakers are numbered from 1 to 34.
SPEAKER_FOLDER = re.compile(
    r"(?:.*[-_. ])?s([1-9]|[12]\d|3[0-4])(?:\.mpg_(?:vcd|6000)(?:\.part\d)?)?", re.IGNORECASE
)

# Times in alignment files are in units of 1/25,000 s (Cooke et al., JASA 2006).
ALIGNMENT_UNITS_PER_SECOND = 25_000

# Alignment entries that are pauses, not words.
PAUSES = ("sil", "sp")

Word = tuple[float, float, str]


class Builder(MediaBuilder):
    """GRID with fakes made by avsync.

    `grid/by_clip`, the default, divides the clips of each speaker into `train`, `val` and `test`.
    `train` and `val` are real only. For supervised baselines, `train_labelled` adds one fake per
    real clip and `val_labelled` every kind of fake, all with planted leading silence. `test` adds
    every kind of fake; `test_planted` is `test` with leading silence planted in the fakes.

    `grid/by_talker` divides the speakers: those whose number ends in 0 are in `test` (3), in 5 in
    `val` (3), the other 27 in `train`. All of its clips are real.

    `grid/heldout` puts all clips into `test` and `test_planted`, for speakers never trained on.
    """

    name = "grid"
    LICENCE = "Creative Commons Attribution (CC BY) 4.0"
    BUILDER_CONFIGS = (
        tfds.core.BuilderConfig(
            name="by_clip", description="train, val and test clips of every speaker"
        ),
        tfds.core.BuilderConfig(
            name="by_talker", description="train, val and test speakers, real clips only"
        ),
        tfds.core.BuilderConfig(name="heldout", description="all clips in the test splits"),
    )

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos at any depth below `source`, sorted by id.

        The nearest folder named `s1` ... `s34`, or like `grid_s1`, gives the speaker. The id is
        `<speaker>_<file stem>`; the stem alone if the speaker is unknown; the path below `source`
        if such stems collide. Raises ValueError if there is no video, or one recording twice.

        If there is an alignment of the same speaker and stem, at any depth, the attribute `words`
        is a JSON list of (start, end, word) in seconds of the raw file.
        """
        paths = sorted(path for path in source.rglob("*") if _is_video(path))
        if not paths:
            raise ValueError(_no_videos(source))
        speakers = {path: _speaker(path, source) for path in paths}
        stems = Counter(path.stem for path in paths if not speakers[path])
        alignments = {
            (_speaker(path, source), path.stem): path for path in source.rglob("[!.]*.align")
        }
        media: dict[str, MediaFile] = {}
        for path, speaker in speakers.items():
            if speaker:
                clip_id = f"{speaker}_{path.stem}"
            elif stems[path.stem] == 1:
                clip_id = path.stem
            else:
                clip_id = path.relative_to(source).with_suffix("").as_posix()
            if clip_id in media:
                raise ValueError(
                    f"{media[clip_id].path} and {path} are both clip {clip_id}; remove one, or the "
                    "same recording could be in train and in test"
                )
            alignment = alignments.get((speaker, path.stem))
            words = {"words": json.dumps(read_words(alignment))} if alignment else {}
            media[clip_id] = MediaFile(clip_id, path, identity=speaker, attributes=words)
        return [media[clip_id] for clip_id in sorted(media)]

    def clips(self) -> dict[str, Iterable[Clip]]:
        # Sorted by hash, so that the first clips of a split are a fair sample of it.
        ranked = sorted(self.prepared, key=stable_hash)
        speakers = {clip_id: identity(self.prepared, clip_id) for clip_id in ranked}
        config = self.builder_config.name if self.builder_config else ""
        if config == "heldout":
            return self._test_splits(speakers)
        if config == "by_talker":
            parts = talkers_apart(speakers)
            return {s: self.stored(ids, split=s) for s, ids in parts.items() if ids}
        split = split_by_speaker(speakers)
        if not split["test"]:
            raise ValueError(
                f"grid/by_clip: no speaker has {3 * MIN_HELD_OUT_CLIPS} of the {len(speakers)} "
                "clips, the minimum for train, val and test; prepare more clips, or use "
                "grid/heldout, which puts all of them into test"
            )
        return {
            "train": self.stored(list(split["train"]), split="train"),
            "train_labelled": self._planted(split["train"], "train_labelled", kinds_per_clip=1),
            "val": self.stored(list(split["val"]), split="val"),
            "val_labelled": self._planted(split["val"], "val_labelled"),
            **self._test_splits(split["test"]),
        }

    def _test_splits(self, speakers: Mapping[str, str]) -> dict[str, Iterable[Clip]]:
        return {
            "test": with_fakes(self.prepared, speakers, split="test", notes=self.notes),
            "test_planted": self._planted(speakers, "test_planted"),
        }

    def _planted(self, speakers: Mapping[str, str], split: str, **options: Any) -> Portioned:
        options |= {"split": split, "notes": self.notes, "plants_silence": True}
        return with_fakes(self.prepared, speakers, **options)


def split_by_speaker(speakers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Ids and speakers of the "train", "val" and "test" clips, in the order given.

    The clips of a speaker are ranked by a hash of their ids: test takes the lowest ninth, at most
    100, val as many again, train the rest. Ranks, unlike thresholds on the hash, give exact
    numbers. One clip more or less moves at most three other clips of its speaker, and none of
    another speaker.
    """
    clip_ids: dict[str, list[str]] = {}
    for clip_id in sorted(speakers, key=stable_hash):
        clip_ids.setdefault(speakers[clip_id], []).append(clip_id)
    split_of = {}
    for ranked in clip_ids.values():
        held_out = _num_held_out(len(ranked))
        for rank, clip_id in enumerate(ranked):
            is_test, is_val = rank < held_out, rank < 2 * held_out
            split_of[clip_id] = "test" if is_test else "val" if is_val else "train"
    return {
        split: {clip_id: speakers[clip_id] for clip_id in speakers if split_of[clip_id] == split}
        for split in ("train", "val", "test")
    }


def talkers_apart(speakers: Mapping[str, str]) -> dict[str, list[str]]:
    """Ids of the "train", "val" and "test" clips in the order given, no speaker in two of them.

    ValueError if the speaker of a clip is unknown.
    """
    if unknown := [clip_id for clip_id, speaker in speakers.items() if not speaker]:
        raise ValueError(
            f"grid/by_talker: the speaker of {len(unknown):,} clips is unknown, such as "
            f"{unknown[0]}; put the clips of each speaker into a folder of their own, s1 to s34"
        )
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for clip_id, speaker in speakers.items():
        parts[split_of_talker(int(speaker[1:]))].append(clip_id)
    return parts


def _num_held_out(num_clips: int) -> int:
    if num_clips < 3 * MIN_HELD_OUT_CLIPS:
        return 0
    held_out = num_clips // CLIPS_PER_HELD_OUT
    return min(MAX_HELD_OUT_CLIPS, max(MIN_HELD_OUT_CLIPS, held_out))


def _is_video(path: Path) -> bool:
    # Copies made on macOS have a metadata file "._bbaf2n.mpg" beside every video.
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def _speaker(path: Path, source: Path) -> str:
    """The speaker, such as "s7", from the nearest folder named after one; "" if there is none."""
    folders = (source.resolve().name, *path.relative_to(source).parts[:-1])
    matches = (SPEAKER_FOLDER.fullmatch(folder) for folder in reversed(folders))
    return next((f"s{match[1]}" for match in matches if match), "")


def read_words(path: Path) -> list[Word]:
    """(start, end, word) in seconds of the raw file, without pauses.

    Raises ValueError if a line is not `start end word`.
    """
    words = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            start, end, word = line.split()
            start_seconds = int(start) / ALIGNMENT_UNITS_PER_SECOND
            end_seconds = int(end) / ALIGNMENT_UNITS_PER_SECOND
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: expected `start end word`, such as `23750 29500 bin`, "
                f"found {line!r}"
            ) from error
        if word not in PAUSES:
            words.append((start_seconds, end_seconds, word))
    return words


def _no_videos(source: Path) -> str:
    expected = (
        f"expected a GRID folder, such as {source}/s1/*.mpg, {source}/s1/video/*.mpg or "
        f"{source}/*.mpg (any of {' '.join(VIDEO_SUFFIXES)}, at any depth)"
    )
    if not source.is_dir():
        return f"directory not found: {source}; {expected}"
    suffixes = Counter(
        path.suffix or "without suffix" for path in source.rglob("*") if path.is_file()
    )
    found = ", ".join(f"{count} x {suffix}" for suffix, count in suffixes.most_common(5))
    return f"no video below {source}: {expected}; found {found or 'no files'}"
