"""The first stages of an adaptation: the request on disk, a copy of the scorer, prepared clips."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from avsync import checkpoint, trained
from avsync.adaptation import plan
from avsync.adaptation.plan import Plan, Reals
from avsync.adaptation.stages import Stages
from avsync.config import with_changes
from avsync.datasets.base import open_source
from avsync.files import atomic_write
from avsync.json_file import read_object
from avsync.names import portable
from avsync.sweeps.commands import Command
from avsync.types import MediaFile

DATASET = "folder"

PLAN, MANIFEST = "plan.json", "manifest.csv"
DATA, START = "data", "start"

MAX_BYTES = 256 << 20


class Request(NamedTuple):
    """A request of a user.

    source: a folder of real videos, or a manifest (`datasets.folder`).
    out: the folder of everything that is made.
    checkpoint: that of the given scorer; `encoder` and `dtype` are as for `build.load_scorer`.
    config: the recipe of the fine-tuning, as avsync-train takes it; "" for none.
    reading: further flags of avsync-prepare.
    """

    source: Path
    out: Path
    checkpoint: str
    encoder: Path | None
    dtype: str | None
    config: str
    reading: tuple[str, ...]

    @property
    def scorer(self) -> Path:
        """The checkpoint of the copy of the given scorer."""
        return self.out / START / checkpoint.FOLDER / "0"


class Changed(ValueError):
    """The folder was begun with another request."""


def planned(request: Request, divide: Callable[[Reals], Plan]) -> dict[str, Any]:
    """The plan of this request, made by `divide` or by an earlier call; its manifest is written.

    `Changed` if it was another request, or if the content of the videos has changed.
    """
    path = request.out / PLAN
    reals = plan.find_reals(request.source)
    asked = {
        "checkpoint": portable(request.checkpoint),
        "encoder": request.encoder and portable(request.encoder.absolute()),
        "dtype": request.dtype,
        "config": request.config,
        "reading": list(request.reading),
        "videos": sorted(_known(file, reals) for file in reals.media),
    }
    if path.exists():
        before = read_object(path, max_bytes=MAX_BYTES)
        changed = [name for name in asked if before["asked"].get(name) != asked[name]]
        if changed:
            raise Changed(
                f"{request.out} was begun with other {', '.join(changed)}: choose another --out, "
                "or remove it"
            )
        return before
    made = divide(reals)
    found = {
        "asked": asked,
        "divided_by": made.by,
        "notes": [*reals.notes, *made.notes],
        "counts": {split: len(files) for split, files in made.splits.items() if files},
    }
    atomic_write(request.out / MANIFEST, plan.manifest(made))
    # Last: a plan without its manifest would be of no use.
    atomic_write(path, json.dumps(found, indent=2) + "\n")
    return found


def _known(file: MediaFile, reals: Reals) -> list[str]:
    digest = reals.sha256[file.clip_id] or ""
    return [file.clip_id, file.identity, plan.group_of(file), str(file.audio_track or ""), digest]


def copy_scorer(request: Request) -> None:
    """Copies the given scorer, which may be a shipped or a published one, to calibrate it anew.

    ValueError if it is a head that lacks its encoder, or if it was trained on fakes.
    """
    start = request.out / START
    shutil.rmtree(start, ignore_errors=True)  # left by a process that was killed here
    workdir, step = checkpoint.find(request.checkpoint)
    model = trained.for_clips(trained.load(workdir, step, encoder=request.encoder))
    if model.config.train.loss == "supervised":
        raise ValueError(
            f"{workdir} was trained on labelled fakes, and real videos alone cannot adapt it: give "
            "a checkpoint that was trained on real clips"
        )
    dtype = request.dtype or model.config.model.dtype
    config = with_changes(model.config, {"model.dtype": dtype})
    calibration = checkpoint.read_calibration(workdir, step)
    trained.write(model._replace(config=config), start, calibration=calibration)


def prepare(request: Request, stages: Stages) -> None:
    """Prepares the videos of the manifest as a dataset, split as planned."""
    source = f"--source={request.out / MANIFEST}"
    place = f"--data_dir={request.out / DATA}"
    flags = (f"--dataset={DATASET}", source, place, *request.reading)
    stages.run("prepare", Command("prepare", flags))


def prepared(request: Request, planned: dict[str, Any]) -> tuple[dict[str, int], Path]:
    """The number of clips by planned split, and the list of the videos that were rejected."""
    sources = [
        open_source(DATASET, split, data_dir=request.out / DATA) for split in planned["counts"]
    ]
    counts = {source.split: source.num_clips for source in sources}
    return counts, sources[0].directory / "rejects.jsonl"


class Evaluation(NamedTuple):
    """Runs avsync-evaluate on the prepared videos; a report is in the folder of its stage."""

    out: Path
    stages: Stages

    def test(self, name: str, scorer: Path) -> None:
        """Scores the test clips and fakes made of them."""
        self._run(name, scorer, f"--split={plan.TEST}", "--fabricate=all")

    def calibrate(self, name: str, scorer: Path) -> None:
        """Keeps the scores of the calibration clips with the checkpoint."""
        self._run(name, scorer, f"--split={plan.CALIBRATION}", "--calibrate")

    def score_training_clips(self, name: str, scorer: Path) -> None:
        """Scores the training clips, for the gate for clips that are out of sync."""
        self._run(name, scorer, f"--split={plan.TRAIN}")

    def _run(self, name: str, scorer: Path, *flags: str) -> None:
        places = (f"--data_dir={self.out / DATA}", f"--out={self.out / name}")
        dataset = (f"--checkpoint={scorer}", f"--dataset={DATASET}")
        self.stages.run(name, Command("evaluate", (*dataset, *flags, *places)))
