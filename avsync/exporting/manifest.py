"""manifest.json: all that is needed to use an exported folder without avsync."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from jax import export

from avsync import __version__, lookup
from avsync.exporting import crops
from avsync.units import (
    CROP_PIXELS,
    FRAMES_PER_SECOND,
    INPUT_PIXELS,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
    SILENCE_LEVEL,
)
from avsync.weights import FILE

AXES = {
    "b": "clips, at least 1",
    "t": "video frames of the longest clip of the batch, at least 1; shorter clips are padded "
    "at their end. Each new pair of b and t is compiled once",
}

CLOCK = {
    "frames_per_second": FRAMES_PER_SECOND,
    "samples_per_second": SAMPLE_RATE,
    "samples_per_frame": SAMPLES_PER_FRAME,
}

# Meanings of the inputs, for models of clips and of features.
OF_CLIPS = {
    "visual": f"grey mouth crops of {CROP_PIXELS} x {CROP_PIXELS} pixels, 0 to 255, made as "
    f"'preprocessing' says; the model sees the central {INPUT_PIXELS} x {INPUT_PIXELS} pixels",
    "audio": "mono samples, full scale 32768; frame i covers samples "
    f"[{SAMPLES_PER_FRAME} i, {SAMPLES_PER_FRAME} (i + 1))",
}
OF_FEATURES = {
    "visual": "features of the mouth, by the encoder that 'features' names",
    "audio": "features of the sound, one per video frame, by the same encoder",
}
VALID = "true for frames of the clip, false for padding at its end, which changes no score"

# By trimming rule; scores and thresholds hold for clips trimmed by it.
TRIMMING = {
    "leading": "Trim leading silence first: if n samples precede the first one whose magnitude "
    f"exceeds {SILENCE_LEVEL}, drop n // {SAMPLES_PER_FRAME} + 1 video frames (none if n is 0) and "
    f"{SAMPLES_PER_FRAME} samples with each; extract features from trimmed sound. Scores and "
    "thresholds hold for trimmed clips",
    "none": "Trim nothing. Scores and thresholds hold for clips as they are",
}

# By whether the calibration clips were realigned.
REALIGNMENT = {
    True: "All calibration clips have the A/V offset late_frames (positive: late sound), and "
    "scores and thresholds hold for clips without it. Remove it before trimming: pair frame i of "
    "the picture with the sound of frame i + late_frames, and drop frames that lack either; the "
    "output offset_frames is then relative to late_frames",
    False: "Nothing is moved: late_frames is 0",
}

OUTPUTS = {
    "frame_scores": "mismatch of each frame and its own sound, by the rule frame_score; grows with "
    "fakeness. Meaningless where valid is false",
    "clip_score": "frame scores of the valid frames, pooled by the rule pooling; grows with "
    "fakeness. NaN for a clip without valid frames",
    "offset_frames": "A/V offset of the whole clip: video frames by which the sound is late, for "
    "models trained by alignment. An offset alone does not indicate a fake",
    "offset_is_measured": "false for a clip too short for its offset, which then means nothing",
}

LICENCE = (
    "The program was made by avsync (Apache-2.0). The weights are subject to the terms of whoever "
    "trained them, and of the data and weights that they were trained from."
)


PARAMETERS = (
    f"{FILE}: the first argument of the program, as float32 arrays in nested dicts, whose keys are "
    "the parts of the name of an array between its dots"
)


def describe(
    program: export.Exported,
    *,
    features: Mapping[str, Any] | None,
    trim: str,
    realigned_frames: int,
    training: Mapping[str, Any],
    rules: Mapping[str, Any],
    weights: Mapping[str, Any],
    thresholds: Mapping[str, Any] | None,
    licences: Sequence[str],
) -> dict[str, Any]:
    """The manifest of `program`, ready for JSON.

    `features` says by which encoder the input is made, None for a model of clips; `trim` is a rule
    of `TRIMMING`; `realigned_frames` is the A/V offset that was removed from the calibration clips;
    `training` is described in `avsync.exporting.card.About`; `rules` are frame score, pooling and
    reach; `weights` are fingerprint, number of parameters and dtype; `thresholds` come from the
    calibration clips, None if there are none; `licences` are known terms of the weights in addition
    to `LICENCE`.
    """
    lookup.require("trimming rule of the calibration", trim, TRIMMING)
    meanings = {**(OF_CLIPS if features is None else OF_FEATURES), "valid": VALID}
    packages = ("jax", "jaxlib", "numpy")
    return {
        "artefact": "jax.export; load_scorer.py shows how it is called",
        "parameters": PARAMETERS,
        "axes": AXES,
        "clock": CLOCK,
        "realign": {
            "late_frames": realigned_frames,
            "meaning": REALIGNMENT[realigned_frames != 0],
        },
        "trim": {"rule": trim, "silence_level": SILENCE_LEVEL, "meaning": TRIMMING[trim]},
        "preprocessing": crops.describe(),
        "features": None if features is None else dict(features),
        "inputs": _arrays(meanings, program.in_avals[-len(meanings) :]),
        "outputs": _arrays(
            # JAX flattens a dict in the order of its sorted keys.
            {name: OUTPUTS[name] for name in sorted(OUTPUTS)}, program.out_avals
        ),
        "rules": dict(rules),
        "thresholds": thresholds,
        "weights": dict(weights),
        "training": dict(training),
        "platforms": list(program.platforms),
        "calling_convention_version": program.calling_convention_version,
        "versions": {"avsync": __version__, **{name: metadata.version(name) for name in packages}},
        "licence": [LICENCE, *licences],
    }  # fmt: skip


def _arrays(meanings: Mapping[str, str], avals: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "dtype": str(aval.dtype),
            "shape": [size if isinstance(size, int) else str(size) for size in aval.shape],
            "meaning": meaning,
        }
        for (name, meaning), aval in zip(meanings.items(), avals, strict=True)
    ]
