"""The features of a clip do not depend on the other clips of its batch."""

from pathlib import Path

import numpy as np
import pytest

from avsync import build, checkpoint
from avsync.config import default, with_changes
from avsync.convert import avhubert, torch_file
from avsync.features.extractor import FeatureExtractor
from avsync.types import ClipInfo, WholeClip

STREAMS = ("visual", "audio", "multimodal")


@pytest.fixture(scope="module")
def encoder(testdata: Path, tmp_path_factory: pytest.TempPathFactory):
    """The network of random weights, converted and read back."""
    workdir = tmp_path_factory.mktemp("weights") / "avhubert"
    contents = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    params, changes = avhubert.convert_file(contents)
    checkpoint.write_config(workdir, with_changes(default(), changes).to_dict())
    checkpoint.write_params(workdir, params)
    return build.make_extractor(
        workdir, encoder="avhubert", streams=STREAMS, dtype="float32", trim="none"
    )


def random_clip(num_frames: int) -> WholeClip:
    random = np.random.default_rng(num_frames)
    frames = random.integers(0, 256, (num_frames, 88, 88, 1), np.uint8)
    waveform = random.integers(-3000, 3000, num_frames * 640).astype(np.int16)
    info = ClipInfo(f"clip{num_frames}", label=0, category="RV-RA", num_frames=num_frames)
    return WholeClip(info, frames, waveform)


def extract(encoder, clips: list[WholeClip]):
    extractor = FeatureExtractor(encoder, frames_per_batch=100, dtype="float32")
    channels = encoder.extraction.channels
    return extractor.extract(clips, channels=channels, advance=lambda _: None)


def test_a_clip_has_the_same_features_alone_and_in_a_padded_bucket(encoder):
    clips = [random_clip(n) for n in (12, 23, 0)]
    together = extract(encoder, clips)
    assert [features.info.clip_id for features in together] == ["clip12", "clip23", "clip0"]
    for clip, features in zip(clips, together, strict=True):
        (alone,) = extract(encoder, [clip])
        for stream in STREAMS:
            ours, theirs = alone.streams[stream], features.streams[stream]
            assert ours.shape == theirs.shape == (clip.info.num_frames, 128)
            assert np.linalg.norm(ours - theirs) <= 1e-4 * np.linalg.norm(ours)


def test_all_streams_equal_the_reference(encoder, testdata: Path):
    vectors = np.load(testdata / "avhubert_tiny" / "io.npz")
    info = ClipInfo("reference", label=0, category="RV-RA", num_frames=20)
    frames = vectors["video_u8"][:, 4:92, 4:92, None]
    (features,) = extract(encoder, [WholeClip(info, frames, vectors["wav_i16"])])
    for stream, name in zip(STREAMS, ("out_video", "out_audio", "out_av"), strict=True):
        reference = vectors[name][0]
        difference = np.linalg.norm(features.streams[stream] - reference)
        assert difference <= 1e-4 * np.linalg.norm(reference)


def test_weights_of_another_encoder_are_refused(encoder, testdata: Path, tmp_path: Path):
    contents = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    params, changes = avhubert.convert_file(contents)
    checkpoint.write_config(tmp_path, with_changes(default(), changes).to_dict())
    checkpoint.write_params(tmp_path, params)
    options = {"streams": ("visual",), "dtype": "float32", "trim": "none"}
    with pytest.raises(ValueError, match="holds 'avhubert', not 'lip_conv'"):
        build.make_extractor(tmp_path, encoder="lip_conv", **options)
    with pytest.raises(ValueError, match="did you mean 'visual'"):
        build.make_extractor(tmp_path, encoder="avhubert", **{**options, "streams": ("visuals",)})
    with pytest.raises(ValueError, match="checkpoint not found"):
        build.make_extractor(tmp_path / "nothing", encoder="avhubert", **options)
