"""AVH-Align's files, intact and broken."""

import functools
from pathlib import Path

import av
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import soundfile

from avsync.features import official
from avsync.features.ledger import Split
from avsync.features.official import NpzFolder
from avsync.media.rejects import Reject
from avsync.models.frontend import stacked_log_filterbank
from avsync.types import ClipFeatures, ClipInfo, Extraction

INFO = ClipInfo("id1/a/real", label=0, category="RV-RA")


def write_pair(folder: Path, frames: np.ndarray, waveform: np.ndarray) -> None:
    """CLIP_roi.mp4, encoded without loss so that its pixels are known, and CLIP.wav."""
    path = folder / f"{INFO.clip_id}_roi.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=25, options={"crf": "0"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    soundfile.write(folder / f"{INFO.clip_id}.wav", waveform, 16_000, subtype="PCM_16")


def random_frames(num_frames: int, size: int = 96) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num_frames, size, size, 3), np.uint8)


def random_sound(num_samples: int) -> np.ndarray:
    return np.random.default_rng(1).integers(-3000, 3000, num_samples).astype(np.int16)


def test_crops_are_converted_to_grey_by_opencvs_formula_and_cut_to_88(tmp_path: Path):
    frames = random_frames(5)
    write_pair(tmp_path, frames, random_sound(5 * 640))
    clip = official.read_roi(tmp_path, INFO, trim="none")
    red, green, blue = (frames[..., i].astype(int) for i in range(3))
    grey = (red * 9798 + green * 19235 + blue * 3735 + 16384) >> 15
    np.testing.assert_array_equal(clip.visual[..., 0], grey[:, 4:92, 4:92])
    assert clip.visual.dtype == np.uint8
    np.testing.assert_array_equal(clip.audio * 32768, random_sound(5 * 640))


@pytest.mark.parametrize("extra", [-639, -240, 0, 1, 80, 81, 240, 241, 640, 5000])
def test_both_streams_are_cut_to_the_shorter_one_as_the_filterbank_counts(tmp_path, extra):
    num_samples = 6 * 640 + extra
    write_pair(tmp_path, random_frames(9), random_sound(num_samples))
    clip = official.read_roi(tmp_path, INFO, trim="none")
    waveform = jnp.asarray(random_sound(num_samples))[None]
    count = functools.partial(stacked_log_filterbank, amplitude="float")
    heard = jax.eval_shape(count, waveform).shape[1]
    assert clip.info.num_frames == len(clip.visual) == min(heard, 9)


def test_trimming_cuts_whole_frames_from_both_streams(tmp_path: Path):
    sound = random_sound(10 * 640)
    sound[:1000] = 0  # the sound begins in the second frame, which goes too
    write_pair(tmp_path, random_frames(10), sound)
    whole, trimmed = (official.read_roi(tmp_path, INFO, trim=rule) for rule in ("none", "leading"))
    assert (whole.info.num_frames, trimmed.info.num_frames) == (10, 8)
    assert whole.info.leading_silence_seconds == 1000 / 16_000
    np.testing.assert_array_equal(trimmed.visual, whole.visual[2:])
    np.testing.assert_array_equal(trimmed.audio, whole.audio[2 * 640 :])


def test_a_silent_pair_has_no_frames_left(tmp_path: Path):
    write_pair(tmp_path, random_frames(4), np.zeros(4 * 640, np.int16))
    clip = official.read_roi(tmp_path, INFO, trim="leading")
    assert (clip.info.num_frames, clip.info.status) == (0, "all_silent")


def test_a_whole_frame_in_place_of_a_mouth_crop_is_refused(tmp_path: Path):
    write_pair(tmp_path, random_frames(3, size=128), random_sound(3 * 640))
    with pytest.raises(Reject, match=r"no_face: .* is 128 x 128, not a mouth crop of 96 x 96"):
        official.read_roi(tmp_path, INFO, trim="none")


def test_a_missing_half_of_a_pair_is_named(tmp_path: Path):
    write_pair(tmp_path, random_frames(3), random_sound(3 * 640))
    (tmp_path / "id1/a/real.wav").unlink()
    with pytest.raises(Reject, match=r"missing_file: not found: .*real\.wav"):
        official.read_roi(tmp_path, INFO, trim="none")
    (tmp_path / "id1/a/real.wav").write_text("no sound")
    with pytest.raises(Reject, match="undecodable"):
        official.read_roi(tmp_path, INFO, trim="none")


def streams(num_frames: int = 7, size: int = 16) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {
        name: random.normal(size=(num_frames, size)).astype(np.float32)
        for name in ("visual", "audio", "multimodal")
    }


def write(folder: Path, **arrays: np.ndarray) -> None:
    path = folder / f"{INFO.clip_id}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def test_written_features_are_read_back(tmp_path: Path):
    clip = ClipFeatures(INFO._replace(num_frames=7), streams())
    extraction = Extraction("none", "some encoder", dict.fromkeys(clip.streams, 16))
    NpzFolder(tmp_path, extraction=extraction).write(Split("all", 1, True), 0, clips=[clip])
    again = official.read_npz(tmp_path, INFO)
    assert again.info == clip.info
    for name, x in clip.streams.items():
        np.testing.assert_array_equal(again.streams[name], x)
        assert again.streams[name].dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"audio": np.zeros((6, 16))}, "length_mismatch: .*'audio': .6, 16."),
        ({"audio": np.zeros(7)}, "must hold floats .t d."),
        ({"audio": np.zeros((7, 16), int)}, "must hold floats .t d."),
        ({"visual": np.full((7, 16), np.nan)}, "not finite"),
        ({"visual": np.zeros((7, 8))}, "wrong_size: .*'visual': 8.* expected .*'visual': 16"),
        ({"visual": np.array([None] * 7)}, "undecodable"),
    ],
)
def test_features_of_wrong_shape_or_type_are_refused(tmp_path: Path, changes, match):
    write(tmp_path, **{**streams(), **changes})
    with pytest.raises(Reject, match=match):
        official.read_npz(tmp_path, INFO, channels=dict.fromkeys(official.STREAMS, 16))


def test_a_missing_broken_or_incomplete_file_is_refused(tmp_path: Path):
    with pytest.raises(Reject, match=r"missing_file: not found: .*real\.npz"):
        official.read_npz(tmp_path, INFO)
    write(tmp_path, visual=streams()["visual"])
    with pytest.raises(Reject, match="lacks the array audio"):
        official.read_npz(tmp_path, INFO)
    path = tmp_path / f"{INFO.clip_id}.npz"
    write(tmp_path, **streams())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(Reject, match="undecodable"):
        official.read_npz(tmp_path, INFO)


def test_no_clip_is_written_outside_the_folder(tmp_path: Path):
    clip = ClipFeatures(INFO._replace(clip_id="../../elsewhere"), streams())
    folder = NpzFolder(tmp_path / "a", extraction=Extraction("none", "", {}))
    with pytest.raises(ValueError, match="would lie outside"):
        folder.write(Split("all", 1, True), 0, clips=[clip])


def test_ids_may_be_prefixed_with_the_name_of_the_dataset(tmp_path: Path):
    write(tmp_path, **streams())
    info = INFO._replace(clip_id=f"FakeAVCeleb/{INFO.clip_id}")
    assert official.read_npz(tmp_path, info).info.num_frames == 7
