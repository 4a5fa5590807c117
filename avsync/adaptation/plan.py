"""Divides a user's real videos into those to train on, to calibrate with and to test with."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from avsync import names
from avsync.datasets import folder
from avsync.datasets._splits import stable_hash
from avsync.files import sha256
from avsync.types import GROUP, REAL, MediaFile

# The splits as `datasets.folder` stores them; `val` calibrates, and chooses nothing.
TRAIN, CALIBRATION, TEST = "train", "val", "test"

# A threshold for 5% false alarms needs 19 calibration clips: it is then their highest score.
MIN_CALIBRATION = 19
# So that a few videos may be rejected in the preparation.
PLANNED_CALIBRATION = 22
MIN_TEST, PLANNED_TEST = 8, 10
# With fewer, a fine-tuned model remembers the clips.
MIN_TRAIN = 20
MIN_VIDEOS = PLANNED_CALIBRATION + PLANNED_TEST

# Of all videos, a quarter calibrates and a fifth tests. Beyond this number, more of them narrow the
# intervals little and take longer to score, ten fakes each.
MAX_HELD_OUT = 200

# A talker may make a held-out split so much larger than planned.
MAX_EXCESS = 1.5


class Plan(NamedTuple):
    """The videos of each split, and how they were divided.

    splits: "train" may be empty.
    by: "talkers", which are then in one split each, or "videos".
    notes: sentences for the user.
    """

    splits: Mapping[str, list[MediaFile]]
    by: str
    notes: list[str]


class Reals(NamedTuple):
    """Real videos, each content once: the SHA-256 by clip id, None if unreadable, and notes."""

    media: list[MediaFile]
    sha256: Mapping[str, str | None]
    notes: list[str]


def find_reals(source: Path) -> Reals:
    """The real videos of a folder or a manifest, and notes on all others.

    ValueError, as of `datasets.folder`, if there are none.
    """
    media, notes = folder.read_media(source)
    reals = [file for file in media if file.label == REAL]
    if len(reals) < len(media):
        notes.append(f"{len(media) - len(reals)} fakes of the manifest are left out")
    named = [file for file in reals if _is_text(names.portable(file.path))]
    if len(named) < len(reals):
        notes.append(
            f"{len(reals) - len(named)} videos are left out whose names are not UTF-8; rename them"
        )
    digests = {file.clip_id: sha256(file.path) for file in named}
    first: dict[str, MediaFile] = {}
    for file in named:
        # A file that cannot be read is rejected, with the reason, by the preparation.
        first.setdefault(digests[file.clip_id] or file.clip_id, file)
    if len(first) < len(named):
        notes.append(
            f"{len(named) - len(first)} videos are left out that are copies of others, byte by byte"
        )
    return Reals(list(first.values()), digests, notes)


def divide(reals: Reals, *, source: Path) -> Plan:
    """Divides videos by talker where all of them are named, else by video.

    The order of the files plays no part. Where fewer than `MIN_TRAIN` are left to train on, all are
    held out. ValueError if there are fewer than `MIN_VIDEOS`.
    """
    media = reals.media
    if len(media) < MIN_VIDEOS:
        raise ValueError(
            f"{source} has {len(media)} real videos, and at least {MIN_VIDEOS} are needed: "
            f"{PLANNED_CALIBRATION} to calibrate with and {PLANNED_TEST} to test with; from "
            f"{MIN_VIDEOS + MIN_TRAIN} on, the others are trained on. Add videos, or cut long ones "
            "into clips of some seconds"
        )
    talkers = defaultdict[str, list[MediaFile]](list)
    for file in media:
        talkers[file.identity].append(file)
    notes = []
    is_by_talker = "" not in talkers and len(talkers) > 1
    if not is_by_talker and "" not in talkers:
        notes.append("all videos show one talker, who is in all splits")
    elif not is_by_talker and len(talkers) > 1:
        notes.append(f"the talkers of {len(talkers['']):,} videos are unknown")
    groups = list(talkers.values()) if is_by_talker else [[file] for file in media]
    groups.sort(key=lambda files: stable_hash(files[0].identity or files[0].clip_id))
    test = _take(groups, _between(PLANNED_TEST, len(media) // 5))
    calibration = _take(groups, _between(PLANNED_CALIBRATION, len(media) // 4))
    train = [file for files in groups for file in files]
    if len(train) < MIN_TRAIN:
        notes.append(
            f"{len(train)} videos are left to train on, and at least {MIN_TRAIN} are needed: the "
            "scorer is calibrated and tested without fine-tuning"
        )
        calibration, train = [*calibration, *train], []
    splits = {TRAIN: train, CALIBRATION: calibration, TEST: test}
    return Plan(splits, "talkers" if is_by_talker else "videos", notes)


def calibrate_only(reals: Reals, *, source: Path) -> Plan:
    """All videos calibrate; ValueError if they are too few."""
    if len(reals.media) < MIN_CALIBRATION:
        raise ValueError(
            f"{source} has {len(reals.media)} real videos, and a threshold for 5% false alarms "
            f"needs at least {MIN_CALIBRATION}: add videos, or cut long ones into clips of some "
            "seconds"
        )
    return Plan({CALIBRATION: reals.media}, "videos", [])


def group_of(file: MediaFile) -> str:
    """The group of a video: the column `group` of its manifest; "" if it has none."""
    return file.attributes.get(GROUP, "")


def manifest(plan: Plan) -> str:
    """The manifest of the plan for `datasets.folder`, CSV with absolute paths."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", "label", "clip_id", "identity", "split", "audio_track", GROUP])
    for split, files in plan.splits.items():
        for file in sorted(files, key=lambda file: file.clip_id):
            path = names.portable(file.path.absolute())
            row = [path, REAL, file.clip_id, file.identity, split, file.audio_track or ""]
            writer.writerow([*row, group_of(file)])
    return text.getvalue()


def require_enough(counts: Mapping[str, int], *, rejects: Path) -> bool:
    """Whether enough prepared clips are left to train on, given their number by split.

    ValueError if there are too few to calibrate or to test with.
    """
    needed = ((CALIBRATION, MIN_CALIBRATION, "calibrate"), (TEST, MIN_TEST, "test"))
    for split, least, what in needed:
        if counts.get(split, 0) < least:
            raise ValueError(
                f"{counts.get(split, 0)} videos to {what} with could be prepared, and at least "
                f"{least} are needed; {rejects} says why others were rejected. Add videos, and "
                "choose another --out"
            )
    return counts.get(TRAIN, 0) >= MIN_TRAIN


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _between(least: int, wanted: int) -> int:
    return min(max(least, wanted), MAX_HELD_OUT)


def _take(groups: list[list[MediaFile]], number: int) -> list[MediaFile]:
    """Removes groups with `number` files or a little more from `groups`, and returns the files.

    In their order, but groups that are much too large are passed over while others are left.
    """
    taken: list[MediaFile] = []
    while groups and len(taken) < number:
        room = (number - len(taken)) * MAX_EXCESS
        fitting = (group for group in groups if len(group) <= room)
        group = next(fitting, None) or min(groups, key=len)
        groups.remove(group)
        taken += group
    return taken
