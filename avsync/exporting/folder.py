"""The exported folder: a program with its manifest and loader, which is a checkpoint too.

scorer.jaxexport         the program; its parameters are those in model.safetensors
manifest.json            inputs and how they are made, outputs, thresholds, versions, licence
load_scorer.py           calls the program; needs only jax, numpy and flatbuffers
README.md, LICENSE.md    the model card, with the metadata of the Hugging Face Hub, and the terms
config.json, model.safetensors, calibration/0.json      a checkpoint that avsync reads
"""

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import export

from avsync import checkpoint, exporting, weights
from avsync.exporting import card, manifest
from avsync.exporting.card import About
from avsync.exporting.program import make_program
from avsync.files import in_use, remove_unfinished, require_new, unfinished_path
from avsync.metrics.calibration import FALSE_ALARM_RATES, threshold
from avsync.scoring.scorer import Scorer

ARTEFACT, MANIFEST, LOADER = "scorer.jaxexport", "manifest.json", "load_scorer.py"
CARD = "README.md"

# Without calibration clips, a scorer is meant for clips trimmed by the paper's rule.
DEFAULT_TRIM = "leading"


def write_folder(
    folder: Path,
    scorer: Scorer,
    *,
    about: About,
    features: Mapping[str, Any] | None,
    config: dict[str, Any],
    calibration: dict[str, Any] | None,
    licences: Sequence[str],
    weights_dtype: str,
) -> export.Exported:
    """Writes `folder`, completely or not at all, and returns its program.

    `config` and `calibration` are those of the checkpoint of `scorer`. `features` describes the
    features that it takes, their "channels" by stream among others; None if it takes clips.
    `weights_dtype`, one of `avsync.weights.DTYPES`, is the dtype of model.safetensors; the program
    takes them in float32.

    ValueError if `folder` is not new or empty.
    """
    require_new(folder)
    remove_unfinished(folder.parent, of=folder.name)
    unfinished = unfinished_path(folder)
    # First: the program of a large model takes minutes, which a folder that cannot be written to
    # would waste.
    unfinished.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, unfinished, ignore_errors=True)
        stack.enter_context(in_use(unfinished))
        program = make_program(scorer, channels=features["channels"] if features else None)
        described = manifest.describe(
            program,
            features=features,
            trim=calibration["trim"] if calibration else DEFAULT_TRIM,
            realigned_frames=calibration.get("realigned_frames", 0) if calibration else 0,
            training=about.training,
            rules={
                "frame_score": scorer.frame_score,
                "pooling": scorer.pooling,
                "reach_frames": scorer.reach_frames,
            },
            weights={
                "fingerprint": weights.fingerprint(config["model"], scorer.params),
                "num_parameters": sum(np.size(leaf) for leaf in jax.tree.leaves(scorer.params)),
                f"dtype_of_{weights.FILE}": weights_dtype,
            },
            thresholds=thresholds(calibration, scorer),
            licences=licences,
        )
        checkpoint.write_config(unfinished, config)
        weights.write(unfinished, scorer.params, dtype=weights_dtype)
        if calibration:
            checkpoint.write_calibration(unfinished, 0, calibration)
        (unfinished / ARTEFACT).write_bytes(program.serialize())
        (unfinished / MANIFEST).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        loader = resources.files(exporting) / LOADER
        (unfinished / LOADER).write_bytes(loader.read_bytes())
        (unfinished / CARD).write_text(
            card.render(about, described, name=folder.name), encoding="utf-8"
        )
        terms = card.licence_text(described["licence"])
        (unfinished / card.LICENCE_FILE).write_text(terms + "\n", encoding="utf-8")
        try:
            unfinished.replace(folder)
        except OSError:
            require_new(folder)  # another export to it came first
            raise
    return program


def thresholds(calibration: Mapping[str, Any] | None, scorer: Scorer) -> dict[str, Any] | None:
    """By false-alarm rate, the clip score above which a clip is called fake, and its origin.

    Where there are too few calibration clips for a rate, "score" is None and "note" says why.
    Returns None without a calibration, or if its scores were made by other rules than the scorer's.
    """
    rules = (scorer.frame_score, scorer.pooling)
    if not calibration or (calibration["frame"], calibration["pooling"]) != rules:
        return None
    scores = np.array(calibration["scores"], float)
    source = {name: calibration[name] for name in ("dataset", "split", "trim")}
    # The distribution of scores depends on the length of a clip, and on who speaks.
    source |= {name: calibration.get(name) for name in ("num_frames", "num_identities")}
    rates = {str(rate): _threshold(scores, rate) for rate in FALSE_ALARM_RATES}
    return {**source, "num_reals": len(scores), "by_false_alarm_rate": rates}


def _threshold(scores: np.ndarray, rate: float) -> dict[str, Any]:
    try:
        return {"score": threshold(scores, false_alarm_rate=rate), "note": ""}
    except ValueError as error:
        return {"score": None, "note": str(error)}
