"""Features do not depend on the company in which a clip went through the encoder."""

from pathlib import Path

import numpy as np
import pytest

from avsync import build, checkpoint
from avsync.convert import avhubert, torch_file
from avsync.features.encode import Encoder
from avsync.types import ClipInfo, WholeClip

STREAMS = ("visual", "audio", "multimodal")


@pytest.fixture(scope="module")
def extractor(testdata: Path, tmp_path_factory: pytest.TempPathFactory):
    """The network of random weights, converted and read back."""
    workdir = tmp_path_factory.mktemp("weights") / "avhubert"
    contents = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    params, changes = avhubert.convert_file(contents)
    checkpoint.write_config(workdir, changes)
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


def encode(extractor, clips: list[WholeClip]):
    encoder = Encoder(extractor, frames_per_batch=100, dtype="float32")
    return encoder.encode(clips, streams=extractor.extraction.channels, done=lambda _: None)


def test_a_clip_alone_and_in_a_padded_bucket_have_the_same_features(extractor):
    clips = [random_clip(n) for n in (12, 23, 0, 19)]
    together = encode(extractor, clips)
    assert [features.info.clip_id for features in together] == [
        "clip12",
        "clip23",
        "clip0",
        "clip19",
    ]
    for clip, features in zip(clips, together, strict=True):
        (alone,) = encode(extractor, [clip])
        for stream in STREAMS:
            ours, theirs = alone.streams[stream], features.streams[stream]
            assert ours.shape == theirs.shape == (clip.info.num_frames, 128)
            assert np.linalg.norm(ours - theirs) <= 1e-4 * np.linalg.norm(ours)


def test_the_streams_are_those_of_the_reference(extractor, testdata: Path):
    vectors = np.load(testdata / "avhubert_tiny" / "io.npz")
    info = ClipInfo("reference", label=0, category="RV-RA", num_frames=20)
    frames = vectors["video_u8"][:, 4:92, 4:92, None]
    (features,) = encode(extractor, [WholeClip(info, frames, vectors["wav_i16"])])
    for stream, name in zip(STREAMS, ("out_video", "out_audio", "out_av"), strict=True):
        reference = vectors[name][0]
        difference = np.linalg.norm(features.streams[stream] - reference)
        assert difference <= 1e-4 * np.linalg.norm(reference)


def test_weights_of_another_encoder_are_refused(extractor, testdata: Path, tmp_path: Path):
    contents = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    checkpoint.write_config(tmp_path, avhubert.convert_file(contents).config)
    checkpoint.write_params(tmp_path, avhubert.convert_file(contents).params)
    options = {"streams": ("visual",), "dtype": "float32", "trim": "none"}
    with pytest.raises(ValueError, match="holds 'avhubert', not 'lip_conv'"):
        build.make_extractor(tmp_path, encoder="lip_conv", **options)
    with pytest.raises(ValueError, match="did you mean 'visual'"):
        build.make_extractor(tmp_path, encoder="avhubert", **{**options, "streams": ("visuals",)})
    with pytest.raises(ValueError, match="checkpoint not found"):
        build.make_extractor(tmp_path / "nothing", encoder="avhubert", **options)
