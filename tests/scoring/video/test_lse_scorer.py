"""Each face of a real file is compared with its own sound, from its own first frame on."""

from pathlib import Path

import numpy as np
import pytest

import avsync
from avsync import checkpoint
from avsync.media.face_crop import colour_frames, crop_face, face_path
from avsync.scoring.lse import lse
from avsync.scoring.video.lse_scorer import LseScorer, load_syncnet
from tests import odd_files
from tests.media.conftest import write_media
from tests.media.whole_files import decode
from tests.scoring.video.checkpoints import write_untrained
from tests.scoring.video.simple_network import (
    PIXEL,
    SIMPLE,
    at_once,
    embedded_faces,
    embedded_sound,
)

__all__ = ["write_media"]  # a fixture of the decoding tests


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> LseScorer:
    return LseScorer(avsync.load_scorer(write_untrained(tmp_path_factory.mktemp("own"))), SIMPLE)


def expected_total(path: Path, outlines: np.ndarray, *, first: int, cut: int) -> np.ndarray:
    """The summed distances of a face from frame `first` on.

    The `cut` frames before the sound are not counted.
    """
    where, whole = face_path(outlines), decode(path)
    num_frames = len(outlines)
    frames = list(colour_frames(path, first=cut + first, end=cut + first + num_frames))
    # A decoder that reads the file for the models gives the same frames, in grey.
    grey = whole.frames[first : first + num_frames]
    np.testing.assert_allclose(np.stack(frames)[..., 0].astype(int), grey, atol=2)
    crops = [crop_face(frame, where, index=index) for index, frame in enumerate(frames)]
    greys = np.stack(crops)[:, *PIXEL, 0]
    waveform = whole.waveform[640 * first : 640 * (first + num_frames)]
    return at_once(embedded_faces(greys[:-5]), embedded_sound(waveform))


@pytest.mark.grid
def test_faces_and_sound_are_compared_frame_by_frame(testdata, scorer, write_media):
    frames, sound = odd_files.read(testdata / "grid_s1" / "video" / "bbaf2n.mkv")
    left = np.where(np.arange(50)[:, None, None] < 12, 128, frames[10:60])  # a cut at frame 12
    heard = sound[:, round(0.48 * odd_files.SOUND_RATE) : round(2.4 * odd_files.SOUND_RATE)]
    path = write_media(
        frames=np.concatenate([left, frames[12:62]], axis=2).astype(np.uint8),
        times=np.arange(50) / 25,
        sound=[(0.08, heard)],  # the first two frames have no sound
        sample_rate=odd_files.SOUND_RATE,
    )
    result = scorer.score(path)
    assert result.status == "ok", result.message
    spans = [(round(25 * face.start), len(face.outlines)) for face in result.faces]
    assert spans == [(12, 38), (2, 48)]  # the face on the right goes on over the cut
    for (start, _), face in zip(spans, result.faces, strict=True):
        total = expected_total(path, face.outlines, first=start - 2, cut=2)
        expected = lse(total, num_windows=len(face.outlines) - 5)
        assert face.lse is not None
        assert face.lse == pytest.approx(expected, rel=1e-4, abs=1e-4)
    talking = [face.lse for face in result.faces if face.is_talking]
    assert [result.lse] == talking


@pytest.mark.grid
def test_a_face_without_a_score_has_no_lse(testdata, scorer, write_media):
    frames, sound = odd_files.read(testdata / "grid_s1" / "video" / "bbaf2n.mkv")
    silent = np.zeros_like(sound)
    for name, pictures, heard in (
        ("no_face.mkv", np.full_like(frames[:40], 128), sound),
        ("silent.mkv", frames[:40], silent),
        ("short.mkv", frames[:20], sound),
    ):
        times = np.arange(len(pictures)) / 25
        path = write_media(frames=pictures, times=times, sound=[(0.0, heard)], name=name)
        result = scorer.score(path)
        assert result.status != "ok"
        assert result.lse is None
        assert all(face.lse is None for face in result.faces)


@pytest.mark.grid
@pytest.mark.parametrize(("num_frames_left", "status"), [(0, "missing_file"), (30, "undecodable")])
def test_a_file_that_cannot_be_decoded_again_has_a_status(
    testdata, scorer, write_media, num_frames_left, status
):
    frames, sound = odd_files.read(testdata / "grid_s1" / "video" / "bbaf2n.mkv")
    heard = sound[:, round(0.4 * odd_files.SOUND_RATE) :]

    def written(num_frames: int) -> Path:
        return write_media(
            frames=frames[10 : 10 + num_frames],
            times=np.arange(num_frames) / 25,
            sound=[(0.0, heard)],
            sample_rate=odd_files.SOUND_RATE,
        )

    path = written(40)

    def replace(stage: str, done: int, total: int) -> None:
        if stage == "model" and done == total:
            path.unlink()
            if num_frames_left:
                written(num_frames_left)

    result = scorer.score(path, on_progress=replace)
    assert (result.status, result.score, result.lse) == (status, None, None)


def test_a_checkpoint_without_syncnet_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(ValueError, match=r"holds no SyncNet.*: avsync-convert syncnet --source="):
        load_syncnet(write_untrained(tmp_path))


def test_other_weights_in_a_checkpoint_of_syncnet_are_refused(tmp_path):
    checkpoint.write_config(tmp_path, {"metric": "lse"})
    checkpoint.write_params(tmp_path, {"face_tower": {"conv1": np.zeros((2, 2), np.float32)}})
    with pytest.raises(ValueError, match=r"does not fit the model: missing: face_tower"):
        load_syncnet(tmp_path)
