"""avsync-score --metric=lse as a user runs it, with random weights in the published layout."""

import json
from pathlib import Path

import numpy as np
import pytest

import avsync
from tests import odd_files
from tests.conftest import Run
from tests.convert.torch_legacy import write_tensors
from tests.media.conftest import write_media
from tests.models import syncnet_weights
from tests.scoring.video.checkpoints import write_untrained

__all__ = ["write_media"]  # a fixture of the decoding tests


@pytest.fixture(scope="module")
def syncnet(tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A converted SyncNet."""
    folder = tmp_path_factory.mktemp("syncnet")
    source = write_tensors(folder / "syncnet_v2.model", syncnet_weights.random_state())
    done = run_binary("convert", "syncnet", f"--source={source}", f"--out={folder / 'weights'}")
    assert done.returncode == 0, done.stderr
    return folder / "weights"


@pytest.mark.grid
def test_lse_is_printed_beside_avsyncs_own_score(
    testdata, syncnet, tmp_path, run_binary: Run, write_media
):
    frames, sound = odd_files.read(testdata / "grid_s1" / "video" / "bbaf2n.mkv")
    heard = sound[:, round(0.4 * odd_files.SOUND_RATE) : round(1.6 * odd_files.SOUND_RATE)]
    for name, pictures in {"talker.mkv": frames[10:40], "grey.mkv": 0 * frames[:30] + 128}.items():
        path = write_media(
            frames=pictures,
            times=np.arange(30) / 25,
            sound=[(0.0, heard)],
            sample_rate=odd_files.SOUND_RATE,
            name=name,
        )
        (tmp_path / "videos").mkdir(exist_ok=True)
        path.replace(tmp_path / "videos" / name)
    out = tmp_path / "scores"
    options = ("--metric=lse", f"--checkpoint={syncnet}", f"--out={out}")
    done = run_binary("score", *options, tmp_path / "videos")
    assert done.returncode == 0, done.stderr

    grey, talker = json.loads((out / "scores.json").read_text())
    assert (grey["status"], "lse" in grey) == ("no_face", False)
    assert np.isfinite([talker["score"], talker["lse"]["lse_d"], talker["lse"]["lse_c"]]).all()
    assert talker["lse"]["num_windows"] == 25
    assert talker["lse"]["script_offset_frames"] == -talker["lse"]["offset_frames"]
    assert talker["faces"][0]["lse"] == talker["lse"]
    summary = json.loads((out / "lse.json").read_text())
    assert (summary["num_clips"], summary["without"]) == (1, {"no_face": 1})
    assert summary["lse_d"]["mean"] == pytest.approx(talker["lse"]["lse_d"])
    printed = " ".join(done.stdout.split())
    assert f"talker.mkv {talker['lse']['lse_d']:.3f} {talker['lse']['lse_c']:.3f}" in printed
    assert "not in the means: 1 no_face" in printed


def test_wrong_partners_are_refused_with_the_way_out(syncnet, tmp_path):
    own = write_untrained(tmp_path)
    convert = "avsync-convert syncnet --source=syncnet_v2.model --out=DIR"
    with pytest.raises(ValueError, match=f"LSE needs --checkpoint=DIR with SyncNet.* {convert}"):
        avsync.load_lse_scorer(None)
    with pytest.raises(ValueError, match=f"{own} holds no SyncNet.* {convert}"):
        avsync.load_lse_scorer(own)
    with pytest.raises(ValueError, match="checkpoint not found: /nowhere"):
        avsync.load_lse_scorer("/nowhere")
    with pytest.raises(ValueError, match=f"avsync-score --metric=lse --checkpoint={syncnet}"):
        avsync.load_scorer(syncnet)


def test_a_wrong_metric_or_checkpoint_ends_with_2(syncnet, tmp_path, run_binary: Run):
    for arguments, message in (
        ([f"--checkpoint={syncnet}"], "only computes a metric, not a model"),
        (["--metric=lsd"], "--metric=lsd"),
    ):
        done = run_binary("score", *arguments, f"--out={tmp_path / 'out'}", __file__)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert "Traceback" not in done.stderr
