"""Feature datasets: complete shards count, and features extracted differently do not mix."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import tensorflow_datasets as tfds

from avsync.datasets.base import open_source
from avsync.features.ledger import Split
from avsync.features.store import FeatureDataset
from avsync.input_pipeline.evaluation import whole_clips
from avsync.input_pipeline.training import train_batches
from avsync.media.rejects import Reject
from avsync.records.shards import ARRAY_RECORD, TFRECORD
from avsync.types import ClipFeatures, ClipInfo, Extraction

EXTRACTION = Extraction("leading", "some encoder", {"visual": 8, "audio": 4})


def clip(number: int, *, num_frames: int = 5, label: int = 0) -> ClipFeatures:
    random = np.random.default_rng(number)
    info = ClipInfo(
        f"clip{number}",
        label=label,
        category="RV-FA" if label else "RV-RA",
        manipulation="splice" if label else "real",
        identity="s1",
        source_clip="clip0" if label else "",
        fake_segments=((0.04, 0.12),) if label else (),
        attributes={"race": "unknown"},
        leading_silence_seconds=0.5,
        num_frames=num_frames,
    )
    streams = {"visual": random.normal(size=(num_frames, 8)), "audio": np.ones((num_frames, 4))}
    return ClipFeatures(info, streams)


def dataset(
    data_dir: Path, *, dtype: str = "float32", file_format: str = TFRECORD, **changes
) -> FeatureDataset:
    kinds = {"dtype": dtype, "file_format": file_format}
    extraction = EXTRACTION._replace(**changes)
    return FeatureDataset("features", data_dir=data_dir, extraction=extraction, **kinds)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_clips_are_read_back_in_order_with_all_annotations(tmp_path: Path, dtype: str):
    clips = [clip(3, label=1), clip(1, num_frames=0), clip(2)]
    written = dataset(tmp_path, dtype=dtype)
    written.write(Split("test", 1, is_real_only=False), 0, clips=clips)
    written.finish()
    source = open_source("features", "test", data_dir=tmp_path, trim="leading")
    assert source.extraction == EXTRACTION
    back = list(whole_clips(source, trim="leading"))
    for before, after in zip(clips, back, strict=True):
        assert after.info.clip_id == before.info.clip_id
        assert after.info.attributes == before.info.attributes
        assert after.info.num_frames == before.info.num_frames
        assert after.info.source_clip == before.info.source_clip
        np.testing.assert_allclose(
            np.ravel(after.info.fake_segments), np.ravel(before.info.fake_segments), rtol=1e-6
        )
        numpy_dtype = np.float32 if dtype == "float32" else ml_dtypes.bfloat16
        assert after.visual.dtype == numpy_dtype
        np.testing.assert_array_equal(after.visual, before.streams["visual"].astype(numpy_dtype))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_features_as_array_record_are_read_at_random(tmp_path: Path, dtype: str):
    clips = [clip(3, label=1), clip(1), clip(2)]
    written = dataset(tmp_path, dtype=dtype, file_format=ARRAY_RECORD)
    split = Split("test", 2, is_real_only=False)
    written.write(split, 0, clips=clips[:2])
    written.write(split, 1, clips=clips[2:])
    written.finish()
    source = tfds.data_source("features/leading", split="test", data_dir=tmp_path)
    assert len(source) == 3
    for index in (2, 0, 1):
        before, after = clips[index], source[index]
        assert after["clip_id"].decode() == before.info.clip_id
        assert after["label"] == before.info.label
        numpy_dtype = np.float32 if dtype == "float32" else ml_dtypes.bfloat16
        assert after["visual"].dtype == numpy_dtype
        np.testing.assert_array_equal(after["visual"], before.streams["visual"].astype(numpy_dtype))
    with pytest.raises(ValueError, match="they do not mix"):
        dataset(tmp_path, dtype=dtype)


def test_a_split_is_readable_once_all_its_shards_are_written(tmp_path: Path):
    split = Split("train", 2, is_real_only=True)
    written = dataset(tmp_path)
    written.write(split, 1, clips=[clip(2)])
    written.finish()
    assert not written.is_written(split, 0)
    with pytest.raises(ValueError, match="unknown dataset"):
        open_source("features", "train", data_dir=tmp_path, trim="leading")
    again = dataset(tmp_path)
    assert again.is_written(split, 1)
    again.write(split, 0, clips=[clip(0), clip(1)])
    again.finish()
    source = open_source("features", "train", data_dir=tmp_path, trim="leading")
    ids = [item.info.clip_id for item in whole_clips(source, trim="leading")]
    assert ids == ["clip0", "clip1", "clip2"]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("promise", "label", "is_real_only"), [(True, 0, True), (False, 0, False), (True, 1, False)]
)
def test_a_split_is_real_only_if_promised_and_without_fakes(
    tmp_path: Path, promise: bool, label: int, is_real_only: bool
):
    written = dataset(tmp_path)
    written.write(Split("train", 1, promise), 0, clips=[clip(0), clip(1, label=label)])
    written.finish()
    source = open_source("features", "train", data_dir=tmp_path, trim="leading")
    assert source.is_real_only == is_real_only


def test_rejects_of_all_runs_are_listed(tmp_path: Path):
    split = Split("test", 2, is_real_only=True)
    for index in range(2):
        reject = ("broken" + str(index), Reject("missing_file", "there is none"))
        dataset(tmp_path).write(split, index, clips=[clip(index)], rejects=[reject])
    written = dataset(tmp_path)
    assert written.finish() == 2
    lines = (written.directory / "rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["clip_id"] for line in lines] == ["broken0", "broken1"]
    assert json.loads(lines[0])["reason"] == "missing_file"


@pytest.mark.parametrize("changes", [{"encoder": "another"}, {"dtype": "bfloat16"}])
def test_features_extracted_differently_do_not_mix(tmp_path: Path, changes):
    dataset(tmp_path)
    with pytest.raises(ValueError, match="they do not mix"):
        dataset(tmp_path, **changes)


def test_a_split_whose_source_has_changed_is_refused(tmp_path: Path):
    written = dataset(tmp_path)
    written.write(Split("test", 2, True), 0, clips=[clip(0)])
    written.write(Split("test", 3, True), 1, clips=[clip(1)])
    with pytest.raises(ValueError, match="number of clips of split test has changed"):
        written.finish()


def test_features_are_read_only_with_the_trimming_of_their_extraction(tmp_path: Path):
    written = dataset(tmp_path)
    written.write(Split("test", 1, True), 0, clips=[clip(0)])
    written.finish()
    with pytest.raises(ValueError, match=r"--trim=leading, but trim 'none' was requested"):
        open_source("features", "test", data_dir=tmp_path, trim="none")
    source = open_source("features/leading", "test", data_dir=tmp_path)
    with pytest.raises(ValueError, match="cannot be trimmed afterwards"):
        next(iter(whole_clips(source, trim="none")))


def test_windows_of_features_keep_both_streams_together(tmp_path: Path):
    written = dataset(tmp_path)
    frames = np.arange(50, dtype=np.float32)[:, None]
    streams = {"visual": np.repeat(frames, 8, 1), "audio": np.repeat(frames, 4, 1)}
    info = clip(0).info._replace(num_frames=50)
    written.write(Split("train", 1, True), 0, clips=[ClipFeatures(info, streams)] * 4)
    written.finish()
    source = open_source("features", "train", data_dir=tmp_path, trim="leading")
    batches = train_batches(source, batch_size=4, window_frames=20, trim="leading", seed=0)
    batch, _ = next(batches)
    assert batch.visual.shape == (4, 20, 8)
    assert batch.valid.all()
    np.testing.assert_array_equal(batch.visual[..., 0], batch.audio[..., 0])
    assert len(set(batch.visual[:, 0, 0].tolist())) > 1  # each from a place of its own


def test_tfds_reads_the_dataset_without_avsync(tmp_path: Path):
    written = dataset(tmp_path, dtype="bfloat16")
    written.write(Split("test", 1, True), 0, clips=[clip(0)])
    written.finish()
    builder = tfds.builder_from_directory(written.directory)
    (record,) = builder.as_dataset(split="test").as_numpy_iterator()
    assert record["visual"].dtype == ml_dtypes.bfloat16
    assert record["visual"].shape == (5, 8)
