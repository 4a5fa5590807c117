"""Which clips of a dataset are prepared, and in which split: its own, or those of published lists.

It reads no media: a million clips are divided in seconds, before anything is decoded.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.datasets._fakes import stable_hash
from avsync.datasets._lists import find_listed, read_list
from avsync.types import FAKE, REAL, MediaFile

SPLITS = ("train", "val", "test")

# What a clip of the test split may not share with one of the train split.
DISJOINT: dict[str, Callable[[MediaFile], str]] = {
    "identity": lambda file: file.identity,
    "source_video": lambda file: file.attributes.get("source_video", ""),
    "clip": lambda file: file.source_clip or file.clip_id,
}

# Where a dataset has no `val`, a fiftieth of who speaks in `train` is held out.
SPEAKERS_PER_HELD_OUT = 50

Parts = dict[str, list[MediaFile]]


class Selection(NamedTuple):
    """Which clips a user wants of a dataset.

    With `lists`, files by split, those named there and no others; else those that the dataset
    itself divides. `disjoint`, a key of `DISJOINT` or "", is what a test clip may not share with a
    train clip. `limit` keeps the first so many clips of each split as stored.
    """

    lists: Mapping[str, Path] = {}
    disjoint: str = ""
    limit: int | None = None

    @classmethod
    def parse(
        cls, split_list: Iterable[str], disjoint: str | None, limit: int | None
    ) -> "Selection":
        """Of texts `SPLIT=FILE.csv` and the name of a kind; ValueError if there is none."""
        lists = {}
        for text in split_list:
            split, _, file = text.partition("=")
            if not file or not Path(file).expanduser().is_file():
                raise ValueError(f"a list of clips is given as SPLIT=FILE.csv; no file {text!r}")
            lookup.require("split of a list", split, list(SPLITS))
            if split in lists:
                raise ValueError(f"two lists for {split}: {lists[split]} and {file}")
            lists[split] = Path(file).expanduser()
        if disjoint:
            lookup.require("kind of disjoint test", disjoint, sorted(DISJOINT))
        return cls(lists, disjoint or "", limit)


class Plan(NamedTuple):
    """What to prepare, and what becomes of it.

    `splits` are the ids of each split as it is stored; empty if the dataset makes its own out of
    the clips. `notes` tell the user in words what was left out, held out and kept.
    """

    media: list[MediaFile]
    splits: dict[str, list[str]]
    notes: list[str]


def make_plan(
    media: Sequence[MediaFile],
    selection: Selection,
    *,
    ids_of: Callable[[str], Sequence[str]],
) -> Plan:
    """The selected clips of each split; `ids_of` gives the ids that a listed path may stand for.

    ValueError if two files share an id, if a list names nothing, if two lists name one clip, or if
    a disjoint test is asked for and cannot be had.
    """
    lists, disjoint, limit = selection
    notes: list[str] = []
    files = _by_id(media)
    if lists:
        parts = _listed(files, lists, ids_of, notes)
    elif all(file.split for file in media):
        parts = {name: [file for file in media if file.split == name] for name in SPLITS}
    elif disjoint:
        raise ValueError(f"the dataset makes its own splits; it cannot be disjoint by {disjoint}")
    else:
        return Plan(list(media[:limit]), {}, [f"clips to prepare: {len(media[:limit]):,}"])
    parts = {name: part for name, part in parts.items() if part}
    if "train" in parts and "val" not in parts:
        parts = hold_out(parts, notes)
    if disjoint:
        parts = drop_seen(parts, notes, by=disjoint)
    splits = {name: ids[:limit] for name, ids in stored(parts).items()}
    kept = {clip_id for ids in splits.values() for clip_id in ids}
    notes.append("clips to prepare: " + ", ".join(f"{s} {len(ids):,}" for s, ids in splits.items()))
    return Plan([file for file in media if file.clip_id in kept], splits, notes)


def stored(parts: Parts) -> dict[str, list[str]]:
    """The ids of each split on disk: `train` and `val` real only, their fakes apart.

    They are in the order of their hashes: the first clips of a split are a fair sample of it.
    """
    splits: dict[str, list[str]] = {}
    for name, part in parts.items():
        ranked = sorted(part, key=lambda file: stable_hash(file.clip_id))
        if name == "test":
            splits[name] = [file.clip_id for file in ranked]
            continue
        splits[name] = [file.clip_id for file in ranked if file.label == REAL]
        splits[f"{name}_fake"] = [file.clip_id for file in ranked if file.label == FAKE]
    return {name: ids for name, ids in splits.items() if ids}


def hold_out(parts: Parts, notes: list[str]) -> Parts:
    """`parts` with a `val` out of `train`: whole speakers, chosen by the hash of their names.

    A clip whose speaker is not known goes with the others of its source video, or of its source
    clip. With one speaker there is no `val`.
    """
    speakers = sorted({_speaker(file) for file in parts["train"]}, key=stable_hash)
    held_out = set(speakers[: max(1, len(speakers) // SPEAKERS_PER_HELD_OUT)])
    if len(speakers) == 1:
        notes.append(f"no val: {speakers[0]!r} alone speaks in train")
        return parts
    train = [file for file in parts["train"] if _speaker(file) not in held_out]
    val = [file for file in parts["train"] if _speaker(file) in held_out]
    notes.append(f"val: {len(val):,} clips, of {len(held_out):,} speakers held out of train")
    return {**parts, "train": train, "val": val}


def drop_seen(parts: Parts, notes: list[str], *, by: str) -> Parts:
    """`parts` with those test clips left that share nothing of this kind with a train clip.

    `by` is a key of `DISJOINT`. ValueError if there is no train or no test split, if a clip does
    not say what it would share, or if no clip is left.
    """
    absent = [name for name in ("train", "test") if name not in parts]
    if absent:
        raise ValueError(
            f"disjoint by {by} keeps of test what shares no {by} with train, and there is no "
            f"{absent[0]}; name its clips with --split_list={absent[0]}=FILE.csv"
        )
    key = DISJOINT[by]
    seen = {key(file) for file in parts["train"]}
    if "" in seen or not all(map(key, parts["test"])):
        raise ValueError(
            f"disjoint by {by}: the dataset does not tell the {by} of every clip; known for all "
            f"are: {', '.join(_told_of_all(parts['train'] + parts['test']))}"
        )
    left = [file for file in parts["test"] if key(file) not in seen]
    num_fakes = sum(file.label == FAKE for file in left)
    told = (
        f"disjoint by {by}: {len(left):,} of {len(parts['test']):,} test clips share no {by} with "
        f"train ({len(left) - num_fakes:,} real, {num_fakes:,} fake)"
    )
    if not left:
        raise ValueError(f"{told}: nothing is left to test on")
    notes.append(told)
    return {**parts, "test": left}


def _listed(
    files: Mapping[str, MediaFile],
    lists: Mapping[str, Path],
    ids_of: Callable[[str], Sequence[str]],
    notes: list[str],
) -> Parts:
    parts: Parts = {}
    split_of: dict[str, str] = {}
    for name, path in lists.items():
        listed = read_list(path)
        part, missing = find_listed(listed, files, ids_of=ids_of)
        if not part:
            some = listed[0].path if listed else "nothing"
            raise ValueError(
                f"{path} lists no clip of this dataset: it begins with {some!r}, the dataset with "
                f"{next(iter(files), 'nothing')!r}"
            )
        if missing:
            notes.append(
                f"{name}: {len(missing):,} of {len(listed):,} clips of {path.name} are not in the "
                f"dataset, the first of them {missing[0]}"
            )
        for file in part:
            other = split_of.setdefault(file.clip_id, name)
            if other != name:
                raise ValueError(f"{file.clip_id} is listed for {other} and for {name}")
        parts[name] = part
    return parts


def _by_id(media: Iterable[MediaFile]) -> dict[str, MediaFile]:
    files: dict[str, MediaFile] = {}
    for file in media:
        other = files.setdefault(file.clip_id, file)
        if other is not file:
            raise ValueError(
                f"{other.path} and {file.path} are both clip {file.clip_id!r}: ids must be unique"
            )
    return files


def _speaker(file: MediaFile) -> str:
    return file.identity or DISJOINT["source_video"](file) or DISJOINT["clip"](file)


def _told_of_all(media: Sequence[MediaFile]) -> list[str]:
    return [name for name, key in DISJOINT.items() if all(map(key, media))]
