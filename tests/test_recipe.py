"""The paper's recipe, command by command: from published files and videos to scores and a report.

The encoder is AV-HuBERT in the published layout with 2 layers of 128 channels and random weights.
A model is encoders plus head, and features are a cache of the encoders: all ways give equal scores.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import avsync
from avsync import build, checkpoint, trained
from avsync.datasets.base import open_source
from avsync.evaluation import views
from avsync.input_pipeline.evaluation import whole_clips
from avsync.media.landmarks.base import load_detector
from avsync.media.reading import DirectReader
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.trimming import kept_frames
from avsync.scoring.video.video_scorer import VideoScorer
from avsync.units import SAMPLES_PER_FRAME
from tests.conftest import Run
from tests.recipe import CLIPS, FAKE, FEATURES, REAL, Recipe, run_all

# In float32 the ways differ in the order of sums alone; frames.jsonl has 4 decimals.
RELATIVE, FRAME_DECIMALS = 1e-4, 1e-4

Scores = dict[tuple[str, str], float]


@pytest.fixture(scope="module")
def recipe(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Recipe:
    return run_all(tmp_path_factory.mktemp("recipe"), testdata=testdata, binary=run_binary)


def scores(folder: Path, *, name: str = "alignment") -> Scores:
    """The clip scores of an evaluation by view and clip."""
    lines = map(json.loads, (folder / "scores.jsonl").read_text().splitlines())
    return {(line["view"], line["clip_id"]): line["scores"][name] for line in lines}


def frame_scores(folder: Path) -> dict[tuple[str, str], list[float]]:
    """The frame scores of an evaluation by view and clip."""
    lines = map(json.loads, (folder / "frames.jsonl").read_text().splitlines())
    return {(line["view"], line["clip_id"]): line["frame_scores"] for line in lines}


def assert_equal_frames(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=RELATIVE, atol=FRAME_DECIMALS)


def test_the_report_has_both_views_of_the_test_clips(recipe: Recipe):
    for folder in (recipe.by_features, recipe.by_clips):
        metrics = json.loads((folder / "metrics.json").read_text())
        for view in ("original", "trimmed"):
            result = metrics["views"][view]["alignment"]
            assert (result["num_real"], result["num_fake"]) == (1, 1)
        assert (folder / "report.html").is_file()


@pytest.mark.parametrize("name", ["alignment", "published"])
def test_clips_and_their_features_have_equal_scores(recipe: Recipe, name):
    expected = scores(recipe.by_features, name=name)
    assert set(expected) == {(view, c) for view in ("original", "trimmed") for c in (REAL, FAKE)}
    assert scores(recipe.by_clips, name=name) == pytest.approx(expected, rel=RELATIVE)


def test_clips_and_their_features_have_equal_frame_scores(recipe: Recipe):
    found, expected = frame_scores(recipe.by_clips), frame_scores(recipe.by_features)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert_equal_frames(found[key], values)


def test_trimming_shortens_the_clips_and_changes_their_scores(recipe: Recipe):
    by_frame, by_clip = frame_scores(recipe.by_features), scores(recipe.by_features)
    for clip in (REAL, FAKE):
        assert len(by_frame["trimmed", clip]) < len(by_frame["original", clip])
        assert by_clip["trimmed", clip] != pytest.approx(by_clip["original", clip], rel=RELATIVE)


def test_videos_have_the_scores_of_their_features(recipe: Recipe):
    expected = scores(recipe.by_features)
    for record in json.loads((recipe.scored / "scores.json").read_text()):
        assert record["status"] == "ok"
        key = ("trimmed", Path(record["path"]).stem)
        assert record["score"] == pytest.approx(expected[key], rel=RELATIVE)
        # Two calibration clips, whose features the whole model was calibrated on.
        assert record["p_value"] in (1 / 3, 2 / 3, 1)


def test_a_video_is_scored_by_a_head_and_its_encoder_untrimmed_too(recipe: Recipe):
    video = recipe.videos / f"{REAL}.mkv"
    scorer = avsync.load_scorer(recipe.published, weights=recipe.weights)
    expected = scores(recipe.by_features, name="published")["trimmed", REAL]
    assert scorer.score(video).score == pytest.approx(expected, rel=RELATIVE)

    workdir, step = checkpoint.find(recipe.trained)
    model = build.load_scorer(workdir, step, extraction=None, encoder=recipe.weights)
    calibration = {
        "scores": [], "trim": "none", "dataset": "", "split": "",
        "frame": model.frame_score, "pooling": model.pooling,
    }  # fmt: skip
    untrimmed = Reference(calibration, false_alarm_rate=0.05)
    result = VideoScorer(model, untrimmed, reader=DirectReader(load_detector("trees68"))).score(
        video
    )
    expected = scores(recipe.by_features)["original", REAL]
    assert result.score == pytest.approx(expected, rel=RELATIVE)
    assert_equal_frames(result.frame_scores, frame_scores(recipe.by_features)["original", REAL])


BARE_JAX = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"avsync", "flax", "tensorflow", "orbax", "librosa", "optax"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import pathlib
import numpy as np

sys.path.insert(0, sys.argv[1])
import load_scorer

program = load_scorer.load(pathlib.Path(sys.argv[1]))
results = {}
for path in sys.argv[2:]:
    with np.load(path) as clip:
        valid = np.ones((1, len(clip["crops"])), bool)
        scores = program(clip["crops"][None], clip["waveform"][None], valid)
    results[path] = {name: np.asarray(x)[0].tolist() for name, x in scores.items()}
print(json.dumps(results))
"""


def test_the_exported_program_gives_the_same_scores_with_jax_alone(recipe: Recipe, tmp_path):
    source = open_source(CLIPS, "test", data_dir=recipe.data_dir)
    builder = tfds.builder_from_directory(source.directory)
    stored = tfds.as_numpy(builder.as_dataset(split="test"))
    (clip,) = (clip for clip in stored if clip["clip_id"].decode() == REAL)
    views_of = {}
    for view, rule in (("original", "none"), ("trimmed", "leading")):
        kept = kept_frames(clip["waveform"], rule=rule)
        crops = clip["frames"][kept.start : kept.stop]
        sound = clip["waveform"][kept.start * SAMPLES_PER_FRAME : kept.stop * SAMPLES_PER_FRAME]
        np.savez(tmp_path / f"{view}.npz", crops=crops, waveform=sound)
        views_of[view] = str(tmp_path / f"{view}.npz")
    done = subprocess.run(
        [sys.executable, "-c", BARE_JAX, str(recipe.exported), *views_of.values()],
        capture_output=True, text=True, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for view, path in views_of.items():
        expected = scores(recipe.by_features)[view, REAL]
        assert found[path]["clip_score"] == pytest.approx(expected, rel=RELATIVE)
        by_frame = frame_scores(recipe.by_features)[view, REAL]
        assert_equal_frames(found[path]["frame_scores"], by_frame)


@pytest.fixture(scope="module")
def other_weights(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of the same sizes and other values."""
    encoder = trained.load_any(*checkpoint.find(recipe.weights))
    encoder.params["fusion_norm"]["bias"] = encoder.params["fusion_norm"]["bias"] + 1
    workdir = tmp_path_factory.mktemp("other") / "weights"
    trained.write(encoder, workdir)
    return workdir


def test_an_encoder_of_another_fingerprint_is_refused_with_both(
    recipe: Recipe, other_weights: Path, run_binary: Run, tmp_path: Path
):
    prints = [
        trained.origin_of(trained.load_any(*checkpoint.find(weights))).fingerprint
        for weights in (recipe.weights, other_weights)
    ]
    done = run_binary(
        "convert", "join", f"--encoder={other_weights}", f"--head={recipe.trained}",
        f"--out={tmp_path / 'whole'}",
    )  # fmt: skip
    assert done.returncode == 2
    assert f"encoder with the fingerprint {prints[0]}, not {prints[1]}" in done.stderr
    assert "Use the encoder that the head was trained with" in done.stderr


def test_features_of_another_encoder_are_refused(recipe: Recipe, other_weights: Path):
    clips = views.open_dataset(FEATURES, "test", data_dir=str(recipe.data_dir), batch_size=2)
    assert clips.extraction is not None
    other = trained.origin_of(trained.load_any(*checkpoint.find(other_weights)))
    theirs = clips.extraction._replace(encoder=str(other))
    for model in (recipe.trained, recipe.whole):
        build.load_scorer(*checkpoint.find(model), extraction=clips.extraction)
        with pytest.raises(ValueError, match=f"not {other.fingerprint}.*extract"):
            build.load_scorer(*checkpoint.find(model), extraction=theirs)


def test_a_head_of_another_size_is_refused(
    recipe: Recipe, testdata: Path, run_binary: Run, tmp_path: Path
):
    """The official sizes, 1,024 channels, with the small encoder."""
    source, official = testdata / "avh_align_head" / "head.pt", tmp_path / "official"
    done = run_binary("convert", "avh_align", f"--source={source}", f"--out={official}")
    assert done.returncode == 0, done.stderr
    done = run_binary(
        "convert", "join", f"--encoder={recipe.weights}", f"--head={official}",
        f"--out={tmp_path / 'whole'}",
    )  # fmt: skip
    assert done.returncode == 2
    assert "1024 channels per frame, not 128" in done.stderr
    assert not (tmp_path / "whole").exists()


def test_each_partner_that_lacks_or_does_not_need_another_says_what_to_do(recipe: Recipe):
    with pytest.raises(ValueError, match=r"head for features of avhubert.*--weights=ENCODER"):
        avsync.load_scorer(recipe.trained)
    with pytest.raises(ValueError, match=r"an encoder that it does not record.*--weights=ENCODER"):
        avsync.load_scorer(recipe.published)
    with pytest.raises(ValueError, match=r"already reads clips.*takes no --weights"):
        avsync.load_scorer(recipe.whole, weights=recipe.weights)
    with pytest.raises(ValueError, match=r"an encoder without a head.*--weights="):
        avsync.load_scorer(recipe.weights)


def test_features_are_not_read_under_another_trimming(recipe: Recipe):
    with pytest.raises(ValueError, match=r"--trim=none and leading, but trim 'both_ends'.*extract"):
        open_source(FEATURES, "train", data_dir=recipe.data_dir, trim="both_ends")


def test_trimmed_features_are_not_a_part_of_the_untrimmed_ones(recipe: Recipe):
    """Silence is trimmed before encoding: its context would leak into the frames that are left."""
    original, trimmed = (
        {clip.info.clip_id: clip.visual for clip in whole_clips(source, trim=trim)}
        for trim in ("none", "leading")
        for source in [open_source(FEATURES, "test", data_dir=recipe.data_dir, trim=trim)]
    )
    for clip_id, after in trimmed.items():
        assert len(after) < len(original[clip_id])
        rest = original[clip_id][-len(after) :]
        assert np.linalg.norm(rest - after) > 0.01 * np.linalg.norm(rest)
