"""What somebody who has the exported folder alone must know of it: manifest.json."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from jax import export

from avsync.units import (
    CROP_PIXELS,
    FRAMES_PER_SECOND,
    INPUT_PIXELS,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
    SILENCE_LEVEL,
)

AXES = {
    "b": "clips, at least 1",
    "t": "video frames of the longest clip of the batch, at least 1; shorter clips are padded "
    "behind their end. Each new pair of b and t is compiled once",
    "d": "channels",
}

CLOCK = {
    "frames_per_second": FRAMES_PER_SECOND,
    "samples_per_second": SAMPLE_RATE,
    "samples_per_frame": SAMPLES_PER_FRAME,
}

# By input: what it holds, of clips and of features.
OF_CLIPS = {
    "visual": f"grey mouth crops of {CROP_PIXELS} x {CROP_PIXELS} pixels, 0 to 255, as AV-HuBERT's "
    "preprocessing makes them: each frame brought to a mean face by a similarity, fitted to 68 "
    "landmarks and smoothed over 12 frames, and cut around its own mouth. "
    f"The central {INPUT_PIXELS} x {INPUT_PIXELS} pixels are looked at",
    "audio": "mono samples, full scale 32768; frame i sounds in samples "
    f"[{SAMPLES_PER_FRAME} i, {SAMPLES_PER_FRAME} (i + 1))",
}
OF_FEATURES = {
    "visual": "features of the mouth, of the encoder that the model was trained with",
    "audio": "features of the sound, one for each video frame, of the same encoder",
}
VALID = "true for a frame of the clip, false for padding behind its end, which changes no score"

TRIM = {
    "rule": "leading",
    "silence_level": SILENCE_LEVEL,
    "meaning": "Cut leading silence off first: of n samples in front of the first one whose "
    f"magnitude is above silence_level, n // {SAMPLES_PER_FRAME} + 1 video frames go (none if n "
    f"is 0), and {SAMPLES_PER_FRAME} samples with each. Features must be extracted from sound "
    "that is trimmed. Scores and thresholds are of clips that are trimmed so",
}

OUTPUTS = {
    "frame_scores": "how badly each frame fails to pick its own sound, by the rule frame_score; "
    "grows with fakeness. Means nothing where valid is false",
    "clip_score": "frame scores of the valid frames, pooled by the rule pooling; grows with "
    "fakeness. NaN for a clip without valid frames",
    "offset_frames": "by how many video frames the sound of the whole clip comes late; of a model "
    "trained by alignment. No sign of a fake by itself",
}

LICENCE = (
    "The program is made by avsync (Apache-2.0). The weights are under the terms of whoever "
    "trained them, and of the data and the weights that they were trained from."
)


def describe(
    program: export.Exported,
    *,
    takes_features: bool,
    rules: Mapping[str, Any],
    weights: Mapping[str, Any],
    thresholds: Mapping[str, Any] | None,
    licences: Sequence[str],
) -> dict[str, Any]:
    """The manifest of `program`, ready for JSON.

    `rules` are the names of frame score and pooling and the reach; `weights` their fingerprint and
    number; `thresholds` what the scores of held-out reals promise, None if there are none;
    `licences` what is known of the weights' terms beside `LICENCE`.
    """
    meanings = {**(OF_FEATURES if takes_features else OF_CLIPS), "valid": VALID}
    packages = ("avsync", "jax", "jaxlib", "numpy")
    return {
        "artefact": "jax.export; load_scorer.py shows how it is called",
        "axes": AXES,
        "clock": CLOCK,
        "trim": TRIM,
        "inputs": _arrays(meanings, program.in_avals),
        "outputs": _arrays(
            # A dict is flattened by the order of its keys.
            {name: OUTPUTS[name] for name in sorted(OUTPUTS)}, program.out_avals
        ),
        "rules": dict(rules),
        "thresholds": thresholds,
        "weights": dict(weights),
        "platforms": list(program.platforms),
        "calling_convention_version": program.calling_convention_version,
        "versions": {name: metadata.version(name) for name in packages},
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
