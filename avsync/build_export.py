"""A checkpoint to the function that exports it.

Apart from `avsync.build`, because the manifest of an export describes how videos are read, and no
other binary that runs a model imports that code.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from avsync import checkpoint, lookup, trained
from avsync.build import make_scorer
from avsync.calibration_file import VERDICT
from avsync.config import Config, default, with_changes
from avsync.exporting.card import About, require_licence
from avsync.exporting.folder import MANIFEST, write_folder
from avsync.scoring.video.reference import Reference
from avsync.trained import SHARED, Trained
from avsync.types import STREAMS, Extraction

# The terms of a checkpoint that avsync did not train.
CONVERTED = (
    "The parameters were converted from published ones, whose terms apply. The published heads of "
    "AVH-Align (Smeu et al., CVPR 2025) are CC BY-NC-SA 4.0."
)

# The sections of a config that are about the training alone.
TRAINING = ("data", "optim", "train")


def make_export(
    workdir: Path,
    step: int,
    *,
    encoder: Path | None,
    dtype: str | None,
    weights_dtype: str,
    licence: str,
    results: str = "",
) -> Callable[[Path], Any]:
    """A function that writes the scorer of a checkpoint to a folder, see `write_folder`.

    `encoder` is the checkpoint of the encoder that makes a head of features a whole model; `dtype`
    replaces that of the config. Scores are made by the rules of the calibration clips, as in
    avsync-evaluate; verdicts on files have rules of their own. `licence` is the Hub's identifier of
    the licence of the weights, and `results` a section of Markdown for the card.

    ValueError as for `trained.load`, if the head of features does not record their size, or if the
    licence is not written like an identifier.
    """
    require_licence(licence)
    model = trained.load(workdir, step, encoder=encoder)
    config = with_changes(model.config, {"model.dtype": dtype or model.config.model.dtype})
    features = describe_features(model._replace(config=config))
    extraction = Extraction("", features["encoder"], features["channels"]) if features else None
    whole_clips = without_chunks(config)
    scorer = make_scorer(whole_clips, model.params, extraction=extraction, source=workdir)
    calibration = checkpoint.read_calibration(workdir, step)
    rules = {name: value for name, value in (calibration or {}).items() if name != VERDICT}
    # Any rate will do: the manifest has thresholds at several.
    reference = Reference(rules or None, false_alarm_rate=0.05)
    training = describe_training(config, workdir, step)
    return partial(
        write_folder,
        scorer=reference.apply_rules(scorer),
        about=About(
            parts=describe_parts(config),
            training=training,
            datasets=[name.partition("/")[0] for name in _shares(config)] if training else [],
            licence=licence,
            results=results,
        ),
        features=features,
        config=json.loads(config.to_json()),
        calibration=calibration,
        licences=[*licences(config), *([] if training else [CONVERTED])],
        weights_dtype=weights_dtype,
    )


def describe_features(model: Trained) -> dict[str, Any] | None:
    """The encoder of the features that a head reads, and their channels; None for a whole model.

    ValueError if the config does not record the number of channels.
    """
    if not model.reads_features:
        return None
    channels = {stream: int(model.config.model[stream].channels) for stream in STREAMS}
    if not all(channels.values()):
        raise ValueError(
            f"{model.source} is a head for features whose size its config does not record: it was "
            "trained or converted by avsync 0.2.0 or earlier. Give the encoder, with "
            "--weights=ENCODER, or write the number of channels to model.visual.channels and "
            f"model.audio.channels in {model.source / checkpoint.CONFIG}"
        )
    origin = trained.recorded_origin(model.config)
    return {
        "encoder": origin.encoder or "unknown",
        "fingerprint": origin.fingerprint or "unknown",
        "dtype_of_encoder": origin.dtype or "unknown",
        "channels": channels,
    }


def describe_parts(config: Config) -> dict[str, str]:
    """The names of the encoders and the head, by role; of a head, the encoder of its features."""
    model = config.model
    if model.visual.name == trained.PRECOMPUTED:
        known = str(trained.recorded_origin(config)) or "unknown"
        encoders = {"encoder of its features, not in this folder,": known}
    elif model.audio.name == SHARED:
        encoders = {"encoder of both streams": model.visual.name}
    else:
        encoders = {f"{stream} encoder": model[stream].name for stream in STREAMS}
    return {**encoders, "head": model.head.name}


def describe_training(config: Config, workdir: Path, step: int) -> dict[str, Any]:
    """The training of a checkpoint: its settings by name; {} if avsync did not train it.

    An export does not record its number of updates: its manifest, if there is one, does.
    """
    if (workdir / MANIFEST).is_file():
        return json.loads((workdir / MANIFEST).read_text(encoding="utf-8")).get("training", {})
    untrained = default()
    if not step and all(config[section] == untrained[section] for section in TRAINING):
        return {}  # converted
    data, optimiser, train = config.data, config.optim, config.train
    is_fresh = not (step or train.init_from or train.freeze)
    is_joined = is_fresh and config.model.audio.name == SHARED
    return {
        "dataset": f"{_datasets_in_words(config)}, {data.train_split} split",
        **({"balance": f"by {data.balance}"} if data.balance != "clip" else {}),
        "loss": train.loss,
        "trimming rule": data.trim,
        **({"updates": step} if step else {}),
        "clips per update": data.batch_size,
        "optimiser": f"{optimiser.name}, {optimiser.schedule} learning rate from "
        f"{optimiser.learning_rate:g}",
        "seed": config.seed,
        # Without folders: a card is public, and paths may tell names.
        **({"started from": re.sub(r"[^=,]*/", "", train.init_from)} if train.init_from else {}),
        **({"frozen": train.freeze} if train.freeze else {}),
        **({"trained": "the head alone, on features of the encoder"} if is_joined else {}),
    }


def _shares(config: Config) -> dict[str, float]:
    """The share of each dataset in the rows of the training, by name."""
    weights = config.data.mixture.to_dict() or {config.data.dataset: 1.0}
    return {name: weight / sum(weights.values()) for name, weight in sorted(weights.items())}


def _datasets_in_words(config: Config) -> str:
    shares = _shares(config)
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{name} ({share:.0%})" for name, share in shares.items())


def without_chunks(config: Config) -> Config:
    """`config` with encoders that process a whole clip at once, not in chunks of frames.

    The result is the same, but the number of chunks of a clip of symbolic length is unknown.
    """
    chunked = [stream for stream in STREAMS if "chunk_frames" in config.model[stream]]
    return with_changes(config, {f"model.{stream}.chunk_frames": 0 for stream in chunked})


def licences(config: Config) -> list[str]:
    """The licence terms of published weights that a checkpoint of this config may hold.

    The weights of a head are derived from those of the encoder of its features.
    """
    sections = [config.model[stream] for stream in STREAMS]
    names = {section.name for section in sections} | {
        section.get("encoder") for section in sections
    }
    # Features may be of an encoder that avsync does not have.
    known = names & set(lookup.names("models.encoders"))
    modules = [lookup.load("models.encoders", name) for name in known]
    return sorted(module.LICENCE for module in modules if hasattr(module, "LICENCE"))
