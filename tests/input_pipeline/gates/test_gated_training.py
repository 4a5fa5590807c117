"""Trainings from a config whose gates are set: a new one, and one that resumes."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from avsync import build_training
from avsync.build_training import make_training
from avsync.config import Config
from avsync.input_pipeline.gates.judging import Gates
from avsync.types import Source
from tests.input_pipeline.gates.conftest import make_clip, write_scores
from tests.test_configs import load


def config_of(source: Source, **gates) -> Config:
    config = load("quickstart", "test")
    data_dir = source.directory.parents[1]
    config.data.update(dataset=source.dataset, data_dir=str(data_dir), trim="none")
    config.data.gates.update(**gates)
    return config


def read_epoch(job) -> list:
    """Its batches, of 4 of 8 clips."""
    return list(itertools.islice(job.batches(0), 2))


def test_configs_list_every_gate_setting_and_leave_the_gates_open(faulty):
    config = config_of(faulty)
    assert config.data.gates.to_dict() == Gates()._asdict()
    assert build_training.apply_gates(config, faulty, None) is faulty


def test_a_training_drops_and_reports_the_clips_its_gates_find(faulty, scores, tmp_path, capsys):
    gates = {"sync": "shift", "sync_scores": scores, "duplicates": "drop"}
    config = config_of(faulty, **gates, min_eye_distance_pixels=20.0)
    job = make_training(config, tmp_path)
    batches = read_epoch(job)
    ids = [clip_id for batch in batches for clip_id in batch.clip_ids]
    assert sorted(ids) == sorted(["late", *[f"clip{i}" for i in range(7)]])
    counts = "sync: 1 shift, duplicates: 1 drop, faces: 1 drop"
    line = f"gates: 2 of 10 clips dropped, 1 shifted ({counts})"
    assert line in capsys.readouterr().err
    lines = (tmp_path / "gates.jsonl").read_text().splitlines()
    assert [json.loads(line)["clip_id"] for line in lines] == ["late", "twice", "small"]

    # It resumes with the recorded decisions, not with the changed file of scores.
    Path(scores).unlink()
    for ours, theirs in zip(read_epoch(make_training(config, tmp_path)), batches, strict=True):
        assert ours.clip_ids == theirs.clip_ids
        np.testing.assert_array_equal(ours.batch.audio, theirs.batch.audio)
    config.data.gates.min_eye_distance_pixels = 30.0
    with pytest.raises(ValueError, match=r"20\.0 then, 30\.0 now\).*Choose another --workdir"):
        make_training(config, tmp_path)


def test_a_late_corpus_is_trained_and_validated_on_in_sync(write, tmp_path, capsys):
    # Frame t has grey level t and audio level 100 (t + 1), said to be 3 frames late.
    clips = [make_clip(f"clip{i}", seed=i) for i in range(4)]
    source = write([clip.replace(waveform=100 * (clip.waveform + 1)) for clip in clips])
    offsets = {f"clip{i}": (3, 1.0) for i in range(30)}
    scores = write_scores(tmp_path / "scores.jsonl", **offsets)
    config = config_of(source, sync="shift_corpus", sync_scores=scores)
    config.data.augmentation.update(gain_low_db=0.0, gain_high_db=0.0)
    job = make_training(config, tmp_path)
    assert capsys.readouterr().err.count("A/V offset of the corpus: 3 frames (0.12 s late)") == 1
    for batch in (next(job.batches(0)).batch, next(iter(job.validations[0].batches())).batch):
        assert batch.audio[0, : 9 * 640 : 640].tolist() == [100 * (t + 4) for t in range(9)]
        assert batch.valid[0].sum() == 9


def test_frames_in_the_order_on_disk_are_not_gated(faulty):
    config = config_of(faulty, duplicates="drop")
    config.data.order = "file"
    with pytest.raises(ValueError, match=r"data\.order='file' reads all frames .* 'shuffled'"):
        make_training(config)
