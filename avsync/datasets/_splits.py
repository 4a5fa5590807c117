"""Plans which clips of a dataset are prepared for which split, its own or those of clip lists.

Planning reads no media: a million clips take seconds, before anything is decoded.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.datasets._clip_lists import find_listed, read_list
from avsync.types import FAKE, REAL, MediaFile

SPLITS = ("train", "val", "test")

# Properties that a test clip must not share with any train clip, by the value of --disjoint.
DISJOINT: dict[str, Callable[[MediaFile], str]] = {
    "identity": lambda file: file.identity,
    "source_video": lambda file: file.attributes.get("source_video", ""),
    "clip": lambda file: file.source_clip or file.clip_id,
}

# Without a `val` split, one in fifty speakers of `train` is held out.
SPEAKERS_PER_HELD_OUT = 50

Parts = dict[str, list[MediaFile]]


class Selection(NamedTuple):
    """The clips of a dataset that a user selects.

    lists: clip lists by split; if given, only listed clips are prepared.
    disjoint: a key of `DISJOINT`, or "" to keep all test clips.
    limit: number of clips to keep of each stored split.
    """

    lists: Mapping[str, Path] = {}
    disjoint: str = ""
    limit: int | None = None

    @classmethod
    def parse(
        cls, split_list: Iterable[str], disjoint: str | None, limit: int | None
    ) -> "Selection":
        """Parses the values of --split_list (`SPLIT=FILE.csv`), --disjoint and --limit."""
        lists = {}
        for text in split_list:
            split, _, file = text.partition("=")
            if not file:
                raise ValueError(f"--split_list: expected SPLIT=FILE.csv, got {text!r}")
            path = Path(file).expanduser()
            if not path.is_file():
                raise ValueError(f"--split_list={text}: file not found: {path}")
            lookup.require("split in --split_list", split, list(SPLITS))
            if split in lists:
                raise ValueError(
                    f"--split_list: two files for {split}, {lists[split]} and {path}; give one"
                )
            lists[split] = path
        if disjoint:
            lookup.require("value of --disjoint", disjoint, sorted(DISJOINT))
        return cls(lists, disjoint or "", limit)


class Plan(NamedTuple):
    """The files to prepare and the splits that their clips are stored in.

    splits: the ids of each stored split; empty if the dataset makes its own splits from the clips.
    notes: sentences for the user about clips that are excluded, held out and kept.
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
    """Plans the selected clips of each split; `ids_of` gives the candidate ids of a listed path.

    Raises ValueError if two files share an id, if no clip of a list is in the dataset, if two lists
    name the same clip, or if a disjoint test split is not possible.
    """
    lists, disjoint, limit = selection
    notes: list[str] = []
    files = _by_id(media)
    if lists:
        parts = _listed(files, lists, ids_of, notes)
    elif all(file.split for file in media):
        parts = {name: [file for file in media if file.split == name] for name in SPLITS}
    elif disjoint:
        raise ValueError(
            f"--disjoint={disjoint} is not possible: this dataset makes its own splits"
        )
    else:
        return Plan(list(media[:limit]), {}, [f"clips to prepare: {len(media[:limit]):,}"])
    parts = {name: part for name, part in parts.items() if part}
    if "train" in parts and "val" not in parts:
        parts = hold_out(parts, notes)
    if disjoint:
        parts = drop_seen(parts, notes, by=disjoint)
    splits = {name: ids[:limit] for name, ids in stored_splits(parts).items()}
    stored = {clip_id for ids in splits.values() for clip_id in ids}
    notes.append("clips to prepare: " + ", ".join(f"{s} {len(ids):,}" for s, ids in splits.items()))
    return Plan([file for file in media if file.clip_id in stored], splits, notes)


def stable_hash(text: str) -> int:
    """A 64-bit hash that is the same on every machine and in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def split_of_talker(number: int) -> str:
    """The split of a talker, by number: "test" if it ends in 0, "val" if in 5, else "train".

    It depends on nothing else, so that a talker is in the same split of every copy of a corpus,
    complete or not: no test talker was trained on elsewhere.
    """
    return {0: "test", 5: "val"}.get(number % 10, "train")


def stored_splits(parts: Parts) -> dict[str, list[str]]:
    """The ids of each split on disk; the fakes of train and val are splits of their own.

    Ids are sorted by hash, so that the first clips of a split are a fair sample of it.
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
    """Splits `val` off `train` by whole speakers, chosen by the hash of their names.

    If the speaker of a clip is unknown, its source video or else its source clip stands in. With
    one speaker there is no `val`.
    """
    speakers = sorted({_speaker(file) for file in parts["train"]}, key=stable_hash)
    held_out = set(speakers[: max(1, len(speakers) // SPEAKERS_PER_HELD_OUT)])
    if len(speakers) == 1:
        notes.append(f"no val split: {speakers[0]!r} is the only speaker of train")
        return parts
    train = [file for file in parts["train"] if _speaker(file) not in held_out]
    val = [file for file in parts["train"] if _speaker(file) in held_out]
    notes.append(f"val: {len(val):,} clips of {len(held_out):,} speakers held out of train")
    return {**parts, "train": train, "val": val}


def drop_seen(parts: Parts, notes: list[str], *, by: str) -> Parts:
    """Removes the test clips that share the property `by`, a key of `DISJOINT`, with a train clip.

    Raises ValueError if there is no train or no test split, if the property of a clip is unknown,
    or if no test clip is left.
    """
    absent = [name for name in ("train", "test") if name not in parts]
    if absent:
        raise ValueError(
            f"--disjoint={by} needs a train and a test split, but there is no {absent[0]}; name "
            f"its clips with --split_list={absent[0]}=FILE.csv"
        )
    key = DISJOINT[by]
    seen = {key(file) for file in parts["train"]}
    if "" in seen or not all(map(key, parts["test"])):
        raise ValueError(
            f"--disjoint={by}: the {by} of some clips is unknown; known for all clips: "
            f"{', '.join(_known_for_all(parts['train'] + parts['test']))}"
        )
    left = [file for file in parts["test"] if key(file) not in seen]
    num_fakes = sum(file.label == FAKE for file in left)
    note = (
        f"disjoint by {by}: {len(left):,} of {len(parts['test']):,} test clips share no {by} with "
        f"train ({len(left) - num_fakes:,} real, {num_fakes:,} fake)"
    )
    if not left:
        raise ValueError(f"{note}: no test clip is left")
    notes.append(note)
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
            first = listed[0].path if listed else "nothing"
            raise ValueError(
                f"{path}: no listed clip is in this dataset; the list starts with {first!r}, the "
                f"dataset with {next(iter(files), 'nothing')!r}"
            )
        if missing:
            notes.append(
                f"{name}: {len(missing):,} of {len(listed):,} clips listed in {path.name} are not "
                f"in the dataset, the first is {missing[0]}"
            )
        for file in part:
            other = split_of.setdefault(file.clip_id, name)
            if other != name:
                raise ValueError(
                    f"{file.clip_id} is listed for {other} and for {name}; remove it from one list"
                )
        parts[name] = part
    return parts


def _by_id(media: Iterable[MediaFile]) -> dict[str, MediaFile]:
    files: dict[str, MediaFile] = {}
    for file in media:
        other = files.setdefault(file.clip_id, file)
        if other is not file:
            raise ValueError(
                f"{other.path} and {file.path} have the same clip id {file.clip_id!r}; ids must be "
                "unique"
            )
    return files


def _speaker(file: MediaFile) -> str:
    return file.identity or DISJOINT["source_video"](file) or DISJOINT["clip"](file)


def _known_for_all(media: Sequence[MediaFile]) -> list[str]:
    return [name for name, key in DISJOINT.items() if all(map(key, media))]
