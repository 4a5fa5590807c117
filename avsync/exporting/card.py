"""README.md of an exported folder: a model card with the metadata of the Hugging Face Hub.

The metadata follow the Hub's specification (huggingface/hub-docs, modelcard.md).
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from avsync.markdown import code, plain, table
from avsync.names import shown

LICENCE_FILE = "LICENSE.md"

# The Hub's identifier of a licence that it does not list; the two fields beside it name the terms.
OTHER = "other"
OTHER_NAME = "terms-of-the-weights"

LIBRARY = "avsync"
# The task of the Hub's list that comes nearest: a label for a video.
PIPELINE_TAG = "video-classification"
TAGS = ("avsync", "jax", "flax", "deepfake-detection", "lip-sync", "audio-visual")

PAPER = "https://arxiv.org/abs/2412.00175"

ALIGNMENT = """\
A scorer of lip sync for the detection of audio-visual deepfakes. For each video frame, it compares
the mouth with the sound of that frame and of all frames within ±{:.2g} s; lips that do not pick out
their own sound score high. The method is that of"""

SUPERVISED = """\
A detector of audio-visual deepfakes that was trained on labelled fakes, and may have learned their
artefacts, such as leading silence. It is the supervised baseline of"""

LIMITS = """\
- The model finds videos whose lips and sound disagree. A forgery that keeps both in sync, or that
  changes only the identity, is not found.
- Silent, very short and faceless clips cannot be scored.
- Scores, thresholds and p-values hold for clips like the calibration clips. Out-of-domain clips
  (other cameras, codecs, languages, poses) score higher without being fake: calibrate on real
  clips of your own kind.
- A score is not a verdict. An A/V offset alone does not indicate a fake.
"""

WITH_AVSYNC = """\
```bash
pip install 'avsync[prepare]'
avsync-score --checkpoint={place} --out=scores video.mp4
python {place}/load_scorer.py video.mp4        # the scores alone, as JSON
```

From the Hub: `pip install 'avsync[prepare,hub]'`, and `--checkpoint=hf://OWNER/NAME`.
"""

WITH_AVSYNC_AND_ENCODER = """\
```bash
pip install 'avsync[prepare]'
avsync-score --checkpoint={place} --weights=ENCODER --out=scores video.mp4
```
"""

WITHOUT_AVSYNC = """\
```bash
pip install jax flatbuffers
python {place}/load_scorer.py {arrays}
```

`manifest.json` describes these arrays, and how they are made from a video.
"""


class About(NamedTuple):
    """The facts that the card has and the manifest lacks.

    parts: the encoders and the head by role.
    training: the data and the settings of the training in words, by name; {} if avsync did not
      train the parameters.
    datasets: avsync's names of the training data.
    licence: the Hub's identifier of the licence of the weights, or `OTHER`.
    results: a section of Markdown on what was measured; "" without one.
    """

    parts: Mapping[str, str]
    training: Mapping[str, Any]
    datasets: Sequence[str]
    licence: str = OTHER
    results: str = ""


def require_licence(licence: str) -> None:
    """ValueError if `licence` is not written like the Hub's identifiers, such as "cc-by-4.0"."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence):
        raise ValueError(
            f"--license={licence!r} is not an identifier of the Hub, such as cc-by-4.0 or "
            f"apache-2.0; {OTHER} refers to the terms in {LICENCE_FILE}"
        )


def render(about: About, manifest: Mapping[str, Any], *, name: str) -> str:
    """The card of the model called `name`, Markdown after YAML metadata."""
    sections = [
        f"# {plain(name)}",
        _summary(about, manifest),
        "## Use\n\n" + _use(manifest, place=shlex.quote(shown(name))),
        "## Inputs and outputs\n\n" + _arrays(manifest),
        "## Training\n\n" + _training(about),
        *([about.results] if about.results else []),
        "## Calibration and thresholds\n\n" + _calibration(manifest["thresholds"]),
        f"## Limits\n\n{LIMITS.rstrip()}",
        "## Licence\n\n" + licence_text(manifest["licence"]),
    ]
    return f"---\n{_metadata(about)}---\n\n" + "\n\n".join(sections) + "\n"


def licence_text(terms: Sequence[str]) -> str:
    """The known terms of program and weights, a paragraph each."""
    return "\n\n".join(terms)


def _metadata(about: About) -> str:
    fields: dict[str, Any] = {"license": about.licence}
    if about.licence == OTHER:
        fields |= {"license_name": OTHER_NAME, "license_link": LICENCE_FILE}
    fields |= {"library_name": LIBRARY, "pipeline_tag": PIPELINE_TAG, "tags": list(TAGS)}
    if about.datasets:
        fields["datasets"] = list(about.datasets)
    # Every line of JSON is YAML.
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


def _summary(about: About, manifest: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{role} {code(name)}" for role, name in about.parts.items())
    rules, weights = manifest["rules"], manifest["weights"]
    seconds = rules["reach_frames"] / manifest["clock"]["frames_per_second"]
    method = SUPERVISED if rules["frame_score"] == "fake_logit" else ALIGNMENT.format(seconds)
    return f"""\
{method} [Smeu et al., CVPR 2025]({PAPER}).

- Model: {parts}; {weights["num_parameters"]:,} parameters, fingerprint
  {code(weights["fingerprint"])}.
- Frame score: {code(rules["frame_score"])}; clip score: frame scores pooled by
  {code(rules["pooling"])}.
  Both grow with fakeness.
- Files: `config.json` and `model.safetensors` (a checkpoint of avsync), `scorer.jaxexport` (the
  program, for {", ".join(manifest["platforms"])}; it takes those parameters), `manifest.json` (its
  interface), `load_scorer.py` (an example)."""


def _use(manifest: Mapping[str, Any], *, place: str) -> str:
    if manifest["features"] is None:
        with_avsync = f"On videos, with avsync:\n\n{WITH_AVSYNC.format(place=place)}\n"
        arrays = "CROPS.npy WAVEFORM.npy"
    else:
        command = WITH_AVSYNC_AND_ENCODER.format(place=place)
        with_avsync = f"On videos, with avsync and the encoder of the features:\n\n{command}\n"
        arrays = "VISUAL.npy AUDIO.npy"
    without = WITHOUT_AVSYNC.format(place=place, arrays=arrays).rstrip()
    return f"{with_avsync}On arrays, with JAX alone:\n\n{without}"


def _arrays(manifest: Mapping[str, Any]) -> str:
    rows = [
        (role, array["name"], f"{array['dtype']} [{_spaced(array['shape'])}]", _meaning(array))
        for role in ("inputs", "outputs")
        for array in manifest[role]
    ]
    axes = "; ".join(f"{axis}: {meaning}" for axis, meaning in manifest["axes"].items())
    return f"{table(('', 'array', 'type', 'meaning'), rows)}\n\nAxes: {axes}.\n\n" + (
        f"{_realignment(manifest['realign'])}{manifest['trim']['meaning']}."
    )


def _realignment(realign: Mapping[str, Any]) -> str:
    late_frames = realign["late_frames"]
    return f"late_frames = {late_frames}. {realign['meaning']}. " if late_frames else ""


def _spaced(values: Sequence[Any]) -> str:
    return " ".join(map(str, values))


def _meaning(array: Mapping[str, Any]) -> str:
    return array["meaning"].replace("|", r"\|")


def _training(about: About) -> str:
    if not about.training:
        return (
            "avsync did not train these parameters: they were converted from published ones. The "
            "`data`, `optim` and `train` sections of `config.json` do not describe them."
        )
    rows = [[plain(cell) for cell in row] for row in about.training.items()]
    return f"{table(('', ''), rows)}\n\n`config.json` has all settings."


def _calibration(thresholds: Mapping[str, Any] | None) -> str:
    if thresholds is None:
        return (
            "Not calibrated: there are no thresholds and no p-values. `avsync-evaluate "
            "--calibrate` on held-out real clips makes them."
        )
    rows = list(_rates(thresholds["by_false_alarm_rate"]))
    num_frames, num_speakers = (thresholds[name] for name in ("num_frames", "num_identities"))
    length = f", about {num_frames} frames long" if num_frames else ""
    speakers = f" ({num_speakers} speaker{'s' * (num_speakers > 1)})" if num_speakers else ""
    return (
        f"n = {thresholds['num_reals']} real clips of {plain(thresholds['dataset'])}, "
        f"{plain(thresholds['split'])} split{speakers}{length}, trimming rule "
        f"{code(thresholds['trim'])}; the model was not trained on them. A clip "
        "whose score exceeds the threshold is an alarm.\n\n"
        f"{table(('false-alarm rate', 'threshold'), rows)}"
    )


def _rates(by_rate: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for rate, found in by_rate.items():
        known = found["score"] is not None
        yield f"{float(rate):.0%}", f"{found['score']:.4f}" if known else found["note"]
