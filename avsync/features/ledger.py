"""The progress of an extraction: one summary file per shard, written after the shard itself.

DIRECTORY/extraction.json             settings; features extracted differently do not mix
DIRECTORY/shards/SPLIT-3-of-8.json    counts and rejects of a shard
DIRECTORY/rejects.jsonl               rejected clips of all shards, with reasons
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync.files import atomic_write, remove_unfinished
from avsync.media.rejects import Reject

SETTINGS, SHARDS, REJECTS = "extraction.json", "shards", "rejects.jsonl"


class Split(NamedTuple):
    """A split of the output; `is_real_only` is the promise of its source."""

    name: str
    num_shards: int
    is_real_only: bool


class Ledger:
    """The state of the extraction into `directory`.

    ValueError if the directory holds features extracted with other `settings`.
    """

    def __init__(self, directory: Path, settings: Mapping[str, Any]):
        self.directory = directory
        for folder in (directory, directory / SHARDS):
            remove_unfinished(folder)
        path = directory / SETTINGS
        now = json.loads(json.dumps(settings))
        if not path.is_file():
            (directory / SHARDS).mkdir(parents=True, exist_ok=True)
            atomic_write(path, json.dumps(now, indent=2) + "\n")
        before = json.loads(path.read_text(encoding="utf-8"))
        if before != now:
            raise ValueError(
                f"{directory} holds features extracted with {before}, not with {now}; they do not "
                "mix. Choose another output, or remove that directory."
            )

    def is_done(self, split: Split, index: int) -> bool:
        """Return whether shard `index` of the split is written."""
        return self._path(split, index).is_file()

    def record(
        self,
        split: Split,
        index: int,
        *,
        rejects: Sequence[tuple[str, Reject]],
        **counts: int,
    ) -> None:
        """Records that shard `index` of the split is written, with `counts` by name."""
        lines = [
            {"clip_id": clip_id, "split": split.name, "reason": why.reason, "detail": why.detail}
            for clip_id, why in rejects
        ]
        summary = {**split._asdict(), "index": index, **counts, "rejects": lines}
        atomic_write(self._path(split, index), json.dumps(summary) + "\n")

    def splits(self) -> dict[str, list[dict[str, Any]]]:
        """The summaries of each complete split, in the order of its shards.

        ValueError if a split's shards disagree on their number.
        """
        shards: dict[str, list[dict[str, Any]]] = {}
        for summary in self._summaries():
            shards.setdefault(summary["name"], []).append(summary)
        for name, summaries in shards.items():
            if len({summary["num_shards"] for summary in summaries}) > 1:
                raise ValueError(
                    f"{self.directory}: the number of clips of split {name} has changed since its "
                    "first shards were written. Remove that directory and extract again."
                )
        return {
            name: sorted(summaries, key=lambda summary: summary["index"])
            for name, summaries in shards.items()
            if len(summaries) == summaries[0]["num_shards"]
        }

    def write_rejects(self) -> int:
        """Writes rejects.jsonl of all finished shards; returns the number of rejects."""
        lines = [line for summary in self._summaries() for line in summary["rejects"]]
        atomic_write(self.directory / REJECTS, "".join(json.dumps(line) + "\n" for line in lines))
        return len(lines)

    def _summaries(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self.directory / SHARDS).glob("*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))

    def _path(self, split: Split, index: int) -> Path:
        name = f"{split.name}-{index:05d}-of-{split.num_shards:05d}.json"
        return self.directory / SHARDS / name
