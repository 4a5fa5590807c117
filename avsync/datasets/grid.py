"""GRID: 34 talkers who say sentences such as "bin blue at f two now", all of them real.

Cooke, Barker, Cunningham and Shao (JASA 2006), CC BY 4.0. The fakes are made here, from clips that
no training ever sees.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import tensorflow_datasets as tfds

from avsync.datasets._fakes import stable_hash, with_fakes, with_planted_silence
from avsync.datasets._grid_words import read_words
from avsync.datasets.base import MediaBuilder
from avsync.types import Clip, MediaFile

VIDEO_SUFFIXES = (".mpg", ".mkv", ".mp4", ".avi", ".mov")

# A ninth of each talker's clips is held out for validation and another for test: 100 each of 900.
CLIPS_PER_HELD_OUT = 9
MAX_HELD_OUT_CLIPS = 100

# Two, that one may lend its sound to the other. A talker with fewer than 3 x 2 clips is trained on.
MIN_HELD_OUT_CLIPS = 2

# "s7", "grid_s7"; the talkers are numbered from 1 to 34.
TALKER_FOLDER = re.compile(r"(?:.*[-_. ])?s([1-9]|[12]\d|3[0-4])", re.IGNORECASE)


class Builder(MediaBuilder):
    """GRID with fabricated fakes.

    `grid/by_clip`, the default: each talker's clips are divided into `train`, `val` and `test`.
    `train` and `val` are real only. `train_labelled` adds to each real clip one fake behind planted
    silence, for supervised baselines, `val_labelled` every kind of fake behind silence. `test` adds
    every kind of fake, and `test_planted` plants silence before those of `test`.

    `grid/heldout`: all clips are in `test` and `test_planted`, for talkers never trained on.
    """

    name = "grid"
    BUILDER_CONFIGS = (
        tfds.core.BuilderConfig(name="by_clip", description="train, val and test of every talker"),
        tfds.core.BuilderConfig(name="heldout", description="all clips are for testing"),
    )

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos at any depth below `source`, sorted by id.

        A talker is known by the nearest folder named `s1` ... `s34` or like `grid_s1`. The id is
        `<talker>_<file stem>`, or the stem where the talker is unknown, or the path below `source`
        where such stems collide. ValueError if there is no video, or one recording twice.

        Where there is an alignment of the same talker and stem, at any depth, the attribute `words`
        is a JSON list of (start, end, word), in seconds of the raw file.
        """
        paths = sorted(path for path in source.rglob("*") if _is_video(path))
        if not paths:
            raise ValueError(_nothing_found(source))
        talkers = {path: _talker(path, source) for path in paths}
        stems = Counter(path.stem for path in paths if not talkers[path])
        alignments = {
            (_talker(path, source), path.stem): path for path in source.rglob("[!.]*.align")
        }
        media: dict[str, MediaFile] = {}
        for path, talker in talkers.items():
            if talker:
                clip_id = f"{talker}_{path.stem}"
            elif stems[path.stem] == 1:
                clip_id = path.stem
            else:
                clip_id = path.relative_to(source).with_suffix("").as_posix()
            if clip_id in media:
                raise ValueError(
                    f"{media[clip_id].path} and {path} are both clip {clip_id}: one recording "
                    "twice could be trained on and tested on; leave one of them out"
                )
            alignment = alignments.get((talker, path.stem))
            words = {"words": json.dumps(read_words(alignment))} if alignment else {}
            media[clip_id] = MediaFile(clip_id, path, identity=talker, attributes=words)
        return [media[clip_id] for clip_id in sorted(media)]

    def clips(self) -> dict[str, Iterable[Clip]]:
        # In the order of their hashes: the first clips of a split are then a fair sample of it.
        ranked = sorted(self.prepared, key=stable_hash)
        talkers = {clip_id: self.prepared[clip_id].identity for clip_id in ranked}
        if self.builder_config and self.builder_config.name == "heldout":
            return self._test_splits(talkers)
        split = split_by_talker(talkers)
        if not split["test"]:
            raise ValueError(
                f"grid/by_clip: no talker has {3 * MIN_HELD_OUT_CLIPS} of these {len(talkers)} "
                "clips, the fewest that can be divided into train, val and test; prepare more, or "
                "prepare them as grid/heldout, where all are for testing"
            )
        return {
            "train": map(self.prepared.__getitem__, split["train"]),
            "train_labelled": with_planted_silence(
                with_fakes(self.prepared, split["train"], split="train_labelled", kinds_per_clip=1)
            ),
            "val": map(self.prepared.__getitem__, split["val"]),
            "val_labelled": with_planted_silence(
                with_fakes(self.prepared, split["val"], split="val_labelled")
            ),
            **self._test_splits(split["test"]),
        }

    def _test_splits(self, talkers: Mapping[str, str]) -> dict[str, Iterable[Clip]]:
        return {
            "test": with_fakes(self.prepared, talkers, split="test"),
            "test_planted": with_planted_silence(
                with_fakes(self.prepared, talkers, split="test_planted")
            ),
        }


def split_by_talker(talkers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The clips of "train", "val" and "test", each with its talker, in the order given.

    A talker's clips are ranked by a hash of their ids: test takes the lowest ninth, at most 100,
    val the next as many, train the rest. Ranks, unlike thresholds, give exact numbers; and a clip
    more or less of a talker moves at most three of the others, and none of another talker's.
    """
    clip_ids: dict[str, list[str]] = {}
    for clip_id in sorted(talkers, key=stable_hash):
        clip_ids.setdefault(talkers[clip_id], []).append(clip_id)
    split_of = {}
    for ranked in clip_ids.values():
        held_out = _num_held_out(len(ranked))
        for rank, clip_id in enumerate(ranked):
            is_test, is_val = rank < held_out, rank < 2 * held_out
            split_of[clip_id] = "test" if is_test else "val" if is_val else "train"
    return {
        split: {clip_id: talkers[clip_id] for clip_id in talkers if split_of[clip_id] == split}
        for split in ("train", "val", "test")
    }


def _num_held_out(num_clips: int) -> int:
    if num_clips < 3 * MIN_HELD_OUT_CLIPS:
        return 0
    held_out = num_clips // CLIPS_PER_HELD_OUT
    return min(MAX_HELD_OUT_CLIPS, max(MIN_HELD_OUT_CLIPS, held_out))


def _is_video(path: Path) -> bool:
    # Copies made by macOS carry a "._bbaf2n.mpg" beside every file, which is no video.
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def _talker(path: Path, source: Path) -> str:
    """ "s7" for a file below a folder of that talker; "" if there is none."""
    folders = (source.resolve().name, *path.relative_to(source).parts[:-1])
    found = (TALKER_FOLDER.fullmatch(folder) for folder in reversed(folders))
    return next((f"s{match[1]}" for match in found if match), "")


def _nothing_found(source: Path) -> str:
    expected = (
        f"expected a GRID folder, such as {source}/s1/*.mpg, {source}/s1/video/*.mpg or "
        f"{source}/*.mpg (any of {' '.join(VIDEO_SUFFIXES)}, at any depth)"
    )
    if not source.is_dir():
        return f"no folder {source}: {expected}"
    suffixes = Counter(path.suffix or "no suffix" for path in source.rglob("*") if path.is_file())
    found = ", ".join(f"{count} x {suffix}" for suffix, count in suffixes.most_common(5))
    return f"no video below {source}: {expected}; found {found or 'no file at all'}"
