"""The model card: metadata as the Hub reads them, and what a user of the model must know."""

import re

import pytest
import yaml

from avsync.exporting import card
from avsync.exporting.card import About

TRAINED = About(
    parts={"visual encoder": "lip_conv", "audio encoder": "mel_conv", "head": "cosine"},
    training={"dataset": "grid, train split", "loss": "alignment", "updates": 880},
    datasets=["grid"],
)

THRESHOLDS = {
    "dataset": "grid",
    "split": "val",
    "trim": "leading",
    "num_frames": 73,
    "num_identities": 1,
    "num_reals": 19,
    "by_false_alarm_rate": {
        "0.01": {"score": None, "note": "it takes 99 clips"},
        "0.05": {"score": 1.25, "note": ""},
    },
}

CROPS = {"name": "visual", "dtype": "uint8", "shape": ["b", "t", 96, 96, 1], "meaning": "crops"}
SCORE = {"name": "clip_score", "dtype": "float32", "shape": ["b"], "meaning": "|score|"}


def manifest(**changes):
    described = {
        "clock": {"frames_per_second": 25},
        "axes": {"b": "clips", "t": "video frames"},
        "realign": {"late_frames": 0, "meaning": "Nothing is moved"},
        "trim": {"rule": "leading", "meaning": "Trim leading silence first"},
        "features": None,
        "inputs": [CROPS],
        "outputs": [
            {"name": "clip_score", "dtype": "float32", "shape": ["b"], "meaning": "|score|"}
        ],
        "rules": {"frame_score": "nll", "pooling": "logmeanexp", "reach_frames": 15},
        "thresholds": THRESHOLDS,
        "weights": {"fingerprint": "0123456789abcdef", "num_parameters": 1655362},
        "platforms": ["cpu", "cuda", "tpu"],
        "licence": ["The weights are their trainer's.", "For research only."],
    }
    return {**described, **changes}


def metadata(about: About) -> dict:
    _, block, _ = card.render(about, manifest(), name="scorer").split("---\n", 2)
    return yaml.safe_load(block)


def test_the_metadata_name_licence_library_task_tags_and_data():
    found = metadata(TRAINED._replace(licence="cc-by-4.0"))
    assert found == {
        "license": "cc-by-4.0",
        "library_name": "avsync",
        "pipeline_tag": "video-classification",
        "tags": list(card.TAGS),
        "datasets": ["grid"],
    }


def test_a_licence_that_the_hub_does_not_list_has_a_name_and_a_file():
    found = metadata(TRAINED)
    assert found["license"] == "other"
    assert (found["license_name"], found["license_link"]) == ("terms-of-the-weights", "LICENSE.md")


def test_a_model_that_avsync_did_not_train_claims_no_data():
    converted = TRAINED._replace(training={}, datasets=[])
    assert "datasets" not in metadata(converted)
    assert "avsync did not train these parameters" in card.render(
        converted, manifest(), name="scorer"
    )


def test_the_card_tells_the_training_the_thresholds_and_the_terms():
    text = card.render(TRAINED, manifest(), name="scorer")
    assert "| updates | 880 |" in text
    assert "n = 19 real clips of grid, val split (1 speaker), about 73 frames long" in text
    assert "| 5% | 1.2500 |" in text
    assert "| 1% | it takes 99 clips |" in text
    assert "For research only." in text
    assert "1,655,362 parameters" in text
    assert "uint8 [b t 96 96 1]" in text
    assert r"\|score\|" in text  # not a border of the table


def test_the_card_tells_a_supervised_baseline_from_a_model_of_alignment():
    rules = {"frame_score": "fake_logit", "pooling": "logsumexp", "reach_frames": 15}
    supervised = card.render(TRAINED, manifest(rules=rules), name="scorer")
    alignment = card.render(TRAINED, manifest(), name="scorer")
    assert "trained on labelled fakes" in supervised and "own sound" not in supervised
    assert "within ±0.6 s" in alignment and "labelled fakes" not in alignment


def test_without_calibration_the_card_says_how_to_calibrate():
    text = card.render(TRAINED, manifest(thresholds=None), name="scorer")
    assert "Not calibrated" in text and "avsync-evaluate --calibrate" in text


@pytest.mark.parametrize(
    ("features", "shown", "hidden"),
    [
        (None, "load_scorer.py CROPS.npy WAVEFORM.npy", "VISUAL.npy"),
        (None, "avsync-score --checkpoint=scorer --out=scores", "--weights"),
        ({"encoder": "avhubert"}, "load_scorer.py VISUAL.npy AUDIO.npy", "CROPS.npy"),
        ({"encoder": "avhubert"}, "--checkpoint=scorer --weights=ENCODER", "load_scorer.py video"),
    ],
)
def test_the_card_shows_how_the_model_is_used(features, shown, hidden):
    text = card.render(TRAINED, manifest(features=features), name="scorer")
    assert shown in text
    assert hidden not in text


def test_the_hub_s_own_parser_reads_the_card():
    cards = pytest.importorskip("huggingface_hub", reason="pip install 'avsync[hub]'")
    found = cards.ModelCard(card.render(TRAINED, manifest(), name="scorer")).data
    assert (found.license, found.library_name) == ("other", "avsync")
    assert (found.pipeline_tag, found.datasets) == ("video-classification", ["grid"])


@pytest.mark.parametrize("licence", ["", "CC BY 4.0", "cc-by-4.0\nlibrary_name: x"])
def test_a_licence_is_an_identifier(licence):
    with pytest.raises(ValueError, match="not an identifier of the Hub, such as cc-by-4"):
        card.require_licence(licence)
    card.require_licence("cc-by-nc-sa-4.0")


def test_names_from_elsewhere_stay_text_in_the_card():
    odd = "<img src=x>\n# a|b `c` [d](https://x.y) *e* \x1b[31m"
    about = TRAINED._replace(parts={"head": odd}, training={"dataset": odd}, datasets=[odd])
    thresholds = {**THRESHOLDS, "dataset": odd, "split": odd, "trim": odd}
    rules = {"frame_score": odd, "pooling": odd, "reach_frames": 15}
    text = card.render(about, manifest(thresholds=thresholds, rules=rules), name=odd)
    body = text.split("---\n", 2)[2]
    assert "\x1b" not in body
    assert "<" not in re.sub("```.*?```", "", body, flags=re.DOTALL)  # commands are code
    assert "&#60;img src=x&#62; &#35; a&#124;b &#96;c&#96; &#91;d&#93;(https&#58;//x.y)" in body
    lines = [line for line in body.splitlines() if line.startswith("# ")]
    assert len(lines) == 1
    assert metadata(about)["datasets"] == [odd]


def test_a_calibration_on_late_sound_tells_how_late():
    realign = {"late_frames": 2, "meaning": "Remove it"}
    text = card.render(TRAINED, manifest(realign=realign), name="scorer")
    assert "late_frames = 2. Remove it. Trim leading silence first." in text
    assert "late_frames" not in card.render(TRAINED, manifest(), name="scorer")
