"""An adaptation from a folder of real videos to a scorer with its model card, stage by stage."""

import functools
import json
import shutil
from pathlib import Path
from typing import Any

from avsync import build_export, checkpoint, checkpoint_steps, trained
from avsync.adaptation import begun, outcome, plan
from avsync.adaptation.begun import DATA, DATASET, MAX_BYTES, START, Evaluation, Request
from avsync.adaptation.stages import Stages
from avsync.config import Config
from avsync.config.changes import flat
from avsync.evaluation.lines import SCORES_FILE
from avsync.files import atomic_write, file_lock
from avsync.input_pipeline.gates import decisions
from avsync.input_pipeline.gates.sync import judge_corpus
from avsync.json_file import read_object
from avsync.sweeps.commands import Command, config_flags
from avsync.trained import SHARED

# In the outcome, the name of the scorer after the fine-tuning.
TUNED = "fine-tuned"

OUTCOME, ADAPTED, SCORER = "adaptation.json", "adapted", "scorer"

# What the fine-tuning has from the given scorer, not from the recipe.
KEPT = ("model.", "score.")


def adapt(request: Request) -> dict[str, Any]:
    """Adapts a scorer, or goes on with it; returns what OUTCOME then holds, see `outcome.compare`.

    ValueError if the videos are too few, if the request differs from the one that the folder was
    begun with, or if a stage fails.
    """
    with file_lock(request.out / "adapt.lock"):
        planned = begun.planned(request, functools.partial(plan.divide, source=request.source))
        stages = Stages(request.out)
        stages.do(START, lambda: begun.copy_scorer(request))
        begun.prepare(request, stages)
        given = request.scorer
        counts, rejects = begun.prepared(request, planned)
        is_tuned = plan.require_enough(counts, rejects=rejects)
        evaluate = Evaluation(request.out, stages)
        evaluate.test("before", given)
        evaluate.calibrate("calibrate_before", given)
        measured = {
            "given": outcome.read_measured(request.out / "before"),
            "calibrated": outcome.read_measured(request.out / "before", _calibration(given)),
        }
        final = given
        if is_tuned:
            final = _tune(request, stages, evaluate)
            evaluate.calibrate("calibrate", final)
            evaluate.test("after", final)
            after = outcome.read_measured(request.out / "after", _calibration(final))
            measured[TUNED] = after
        compared = outcome.compare(measured)
        compared["summary"] = outcome.summary(compared)
        found = {
            "counts": counts,
            "num_rejected": sum(planned["counts"].values()) - sum(counts.values()),
            **{name: planned[name] for name in ("divided_by", "notes")},
            "gates": _gates(request.out / ADAPTED) if is_tuned else None,
            **compared,
        }
        chosen = final if compared["chosen"] == TUNED else given
        stages.do("export", lambda: _export(chosen, request.out / SCORER, found))
        found["seconds"] = stages.seconds
        atomic_write(request.out / OUTCOME, json.dumps(found, indent=2, allow_nan=False) + "\n")
        return found


def _tune(request: Request, stages: Stages, evaluate: Evaluation) -> Path:
    """Trains from the given scorer; returns the checkpoint after the last update.

    The last one, whatever its validation loss: the clips that calibrate choose nothing.
    """
    start, workdir = request.out / START, request.out / ADAPTED
    evaluate.score_training_clips("gates", start)
    scores = request.out / "gates" / SCORES_FILE
    changes = dict(_kept(trained.read_config(start)))
    changes |= {
        "data.dataset": DATASET,
        "data.data_dir": str(request.out / DATA),
        # A delay that all videos share is removed, where it is sure; else those that are off go.
        "data.gates.sync": "shift_corpus" if judge_corpus(scores).late_frames else "drop",
        "data.gates.sync_scores": str(scores),
        "train.init_from": str(start),
    }
    flags = (f"--config={request.config}", f"--workdir={workdir}", *config_flags(changes))
    stages.run("train", Command("train", flags))
    last = max(checkpoint_steps.steps(workdir / checkpoint.FOLDER).whole)
    return workdir / checkpoint.FOLDER / str(last)


def _kept(config: Config) -> dict[str, Any]:
    """The fields of the recipe that are those of the given scorer."""
    kept = {name: value for name, value in flat(config) if name.startswith(KEPT)}
    # A large encoder would take hours, and forget.
    frozen = config.train.freeze or ("encoder" if config.model.audio.name == SHARED else "")
    return {**kept, "train.freeze": frozen}


def _calibration(scorer: Path) -> dict[str, Any] | None:
    return checkpoint.read_calibration(*checkpoint.find(scorer))


def _gates(workdir: Path) -> dict[str, Any]:
    """How many training clips each gate dropped or shifted."""
    return read_object(workdir / decisions.SUMMARY, max_bytes=MAX_BYTES)["by_gate"]


def _export(scorer: Path, folder: Path, found: dict[str, Any]) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # written before this stage was recorded
    workdir, step = checkpoint.find(scorer)
    export = build_export.make_export(
        workdir,
        step,
        encoder=None,
        dtype=None,
        weights_dtype="float32",
        licence="other",
        results=outcome.markdown(found),
    )
    export(folder)
