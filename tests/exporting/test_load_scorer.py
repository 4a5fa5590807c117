"""The example in an exported folder: a video by avsync's cropper, or arrays by JAX alone."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tensorflow as tf

import avsync
from avsync import build, build_export, checkpoint, pretrained
from avsync.exporting import load_scorer
from avsync.media.landmarks.base import load_detector
from avsync.media.reading import DirectReader
from avsync.pp import silence
from avsync.pp.frames import realign
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.video_scorer import VideoScorer
from avsync.units import SAMPLES_PER_FRAME
from tests.conftest import ROOT, environment
from tests.exporting.test_folder import OPTIONS

# Runs a program without all packages that the loader does not need for arrays. scipy, ml_dtypes and
# opt_einsum come with jax.
WITHOUT_AVSYNC = """
import runpy, sys

ABSENT = {"avsync", "flax", "tensorflow", "orbax", "librosa", "optax", "safetensors", "av", "dlib"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped scorer, exported."""
    folder = tmp_path_factory.mktemp("exports") / "scorer"
    options = {**OPTIONS, "weights_dtype": "float32"}
    build_export.make_export(pretrained.GRID, 0, **options)(folder)
    return folder


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=environment(devices=1),
        capture_output=True,
        text=True,
        timeout=300,
    )


def loader_in(folder: Path) -> ModuleType:
    """The loader of that folder, imported."""
    spec = importlib.util.spec_from_file_location("exported_loader", folder / "load_scorer.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wrong(exported, capsys):
    """`wrong("x.npy")`: the one line on stderr of a call that ends with 2."""

    def call(*arguments: object) -> str:
        assert loader_in(exported).main([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        return line

    return call


@pytest.mark.grid
def test_a_video_its_arrays_and_avsync_have_the_same_score(exported, testdata, tmp_path):
    video = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    clip = avsync.read_clip(video)
    np.save(tmp_path / "crops.npy", clip.frames)
    np.save(tmp_path / "sound.npy", clip.waveform)
    loader = exported / "load_scorer.py"
    arrays = (tmp_path / "crops.npy", tmp_path / "sound.npy")
    runs = [run(loader, video), run("-c", WITHOUT_AVSYNC, loader, *arrays, cwd=tmp_path)]
    for done in runs:
        assert done.returncode == 0, done.stderr
    of_video, of_arrays = (json.loads(done.stdout) for done in runs)
    assert of_video == of_arrays

    # An export scores as an evaluation does; verdicts on files have rules of their own.
    place = checkpoint.find(pretrained.GRID)
    calibration = {**(checkpoint.read_calibration(*place) or {})}
    del calibration["verdict"]
    reference = Reference(calibration, false_alarm_rate=0.05)
    scorer = build.load_scorer(*place, extraction=None)
    reader = DirectReader(load_detector("trees68"))
    expected = VideoScorer(scorer, reference, reader=reader).score(video)
    assert expected.is_scored
    assert of_video["clip_score"] == pytest.approx(expected.score, abs=1e-4)
    assert of_video["offset_frames"] == expected.offset_frames
    np.testing.assert_allclose(of_video["frame_scores"], expected.frame_scores, atol=1e-3)


@pytest.mark.parametrize("arguments", [[], ["a", "b", "c"]])
def test_without_arguments_the_loader_prints_its_usage(exported, arguments):
    done = run(exported / "load_scorer.py", *arguments)
    assert done.returncode == 2
    assert "python load_scorer.py clip.mp4" in done.stderr
    assert "python load_scorer.py CROPS.npy WAVEFORM.npy" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_arrays_are_named_with_what_is_expected(wrong, tmp_path):
    def save(name: str, array: np.ndarray) -> Path:
        np.save(tmp_path / name, array)
        return tmp_path / f"{name}.npy"

    crops = save("crops", np.zeros((3, 96, 96, 1), np.uint8))
    small = save("small", np.zeros((3, 88, 88, 1), np.uint8))
    sound = save("sound", np.ones(3 * 640, np.int16))
    short = save("short", np.ones(2 * 640, np.int16))
    text = tmp_path / "text.npy"
    text.write_text("no array")

    assert "visual is uint8 [3, 88, 88, 1], expected uint8 [3, 96, 96, 1]" in wrong(small, sound)
    assert "audio is int16 [1280], expected int16 [1920] for t = 3" in wrong(crops, short)
    assert "visual is int16 [1920]" in wrong(sound, crops)
    assert "nowhere.npy" in wrong(crops, "nowhere.npy")
    assert "text.npy is not a .npy file of numbers" in wrong(text, sound)
    np.savez(tmp_path / "both.npz", crops=np.zeros(3), sound=np.zeros(3))
    assert "both.npz holds several arrays" in wrong(crops, tmp_path / "both.npz")
    silent = save("silent", np.zeros(3 * 640, np.int16))
    assert "no frames, or no sound" in wrong(crops, silent)


def test_a_video_that_avsync_cannot_read_is_named(wrong, tmp_path):
    assert f"not a file: {tmp_path / 'nowhere.mp4'}" in wrong(tmp_path / "nowhere.mp4")
    assert "give CROPS.npy WAVEFORM.npy" in wrong(tmp_path / "crops.npy")


def test_a_clip_is_read_by_a_known_detector_alone():
    with pytest.raises(ValueError, match="unknown detector: 'tree68'; did you mean 'trees68'"):
        avsync.read_clip("clip.mp4", detector="tree68")


def test_a_video_needs_avsync(wrong, monkeypatch):
    monkeypatch.setitem(sys.modules, "avsync", None)
    assert "pip install 'avsync[prepare]'; or give CROPS.npy WAVEFORM.npy" in wrong("clip.mp4")


def test_a_scorer_of_features_takes_no_video():
    manifest = {"features": {"encoder": "avhubert"}}
    with pytest.raises(ValueError, match="features of avhubert, not videos: give VISUAL"):
        load_scorer.read_video("clip.mp4", manifest)


@pytest.mark.parametrize("silent_samples", [0, 1, 639, 640, 641, 3 * SAMPLES_PER_FRAME])
def test_the_loader_trims_as_the_model_was_evaluated(silent_samples):
    crops = np.arange(3, dtype=np.uint8)
    waveform = np.full(3 * SAMPLES_PER_FRAME, -32768, np.int16)
    waveform[:silent_samples] = silence.SILENCE_LEVEL
    kept = silence.kept_frames(waveform, name="leading")
    visual, audio = load_scorer.trimmed(crops, waveform)
    np.testing.assert_array_equal(visual, list(kept))
    np.testing.assert_array_equal(audio, waveform[SAMPLES_PER_FRAME * kept.start :])
    level = np.full(SAMPLES_PER_FRAME, silence.SILENCE_LEVEL + 1, np.int16)
    assert len(load_scorer.trimmed(crops[:1], level)[0]) == 1


@pytest.mark.parametrize("late", [0, 2, -3, 7])
def test_sound_is_moved_as_in_an_evaluation(late):
    visual = np.arange(6, dtype=np.uint8)[:, None]
    for audio, steps in ((np.arange(6 * 640, dtype=np.int16), 640), (np.ones((6, 4)), 1)):
        found = load_scorer.realigned(visual, audio, late)
        streams = map(tf.constant, (visual, audio))
        expected = realign(*streams, late_frames=tf.constant(late), audio_steps=steps)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, np.asarray(theirs))
