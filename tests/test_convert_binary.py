"""avsync-convert as a user runs it, with right and wrong files and arguments."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, checkpoint, scoring
from avsync.types import Extraction
from tests.conftest import Run
from tests.convert import heads, torch_zip
from tests.convert.torch_zip import call, dict_of, name, plain


@pytest.fixture(scope="module")
def converted(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """The workdir of a converted alignment head in the official layout."""
    workdir = tmp_path_factory.mktemp("converted") / "avh_align"
    source = testdata / "avh_align_head" / "head.pt"
    done = run_binary("convert", "avh_align", f"--source={source}", f"--out={workdir}")
    assert done.returncode == 0, done.stderr
    assert str(workdir) in done.stdout
    return workdir


def test_a_converted_head_scores_features_like_the_papers_code(converted, testdata):
    """From the workdir alone, as every binary gets from a checkpoint to scores."""
    workdir, step = checkpoint.find(converted)
    channels = {"visual": 1024, "audio": 1024}
    scorer = build.load_scorer(workdir, step, extraction=Extraction("none", "", channels))
    folder = testdata / "avh_align_head"
    features = np.load(folder / "features.npz")
    visual, audio = (jnp.asarray(features[f"{stream}_0"])[None] for stream in ("visual", "audio"))
    valid = jnp.ones(visual.shape[:2], bool)
    frames = scoring.frame_scores(
        jax.jit(scorer.apply)(scorer.params, visual, audio, valid), name=scorer.frame_score
    )
    score = scoring.clip_score(frames, valid, pooling=scorer.pooling)
    expected = json.loads((folder / "expected.json").read_text())["scores_logsumexp"][0]
    assert score[0] == pytest.approx(expected, abs=1e-4)


def test_a_converted_supervised_head_evaluates_like_the_papers_code(tmp_path, run_binary):
    """Its features are given as official files; a high score means fake, as in the paper."""
    state = heads.random_state(features=16, projection=8, widths=(8, 4, 2))
    config = {"config": {"model_hparams": {"model_type": "mlp", "input_type": "both"}}}
    source = heads.write(tmp_path / "sup.ckpt", state, hyper_parameters=plain(config))
    done = run_binary("convert", "avh_align_sup", f"--source={source}", f"--out={tmp_path / 'sup'}")
    assert done.returncode == 0, done.stderr
    random = np.random.default_rng(0)
    expected, rows = [], ["path,label"]
    for number, num_frames in enumerate((30, 26, 33)):
        visual, audio = random.normal(size=(2, num_frames, 16)).astype(np.float32)
        np.savez(tmp_path / f"{number}.npz", visual=visual, audio=audio)
        rows.append(f"{number}.mp4,{number % 2}")
        expected.append(np.log(np.exp(heads.in_sync_logits(state, visual, audio)).sum()))
    (tmp_path / "list.csv").write_text("\n".join(rows))
    done = run_binary(
        "evaluate", f"--checkpoint={tmp_path / 'sup'}", f"--features_npz={tmp_path}",
        f"--list={tmp_path / 'list.csv'}", f"--out={tmp_path / 'out'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, (tmp_path / "out" / "scores.jsonl").read_text().splitlines())
    scores = [line["scores"]["alignment"] for line in lines]
    assert scores == pytest.approx(expected, rel=1e-4)


WRITE = """
import sys
from pathlib import Path
import jax, numpy as np
from avsync import checkpoint

def peak_mib():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10

jax.devices()
params = {f"kernel{i}": np.full((16, 2048, 2048), i, np.float32) for i in range(2)}
before = peak_mib()
checkpoint.write_params(Path(sys.argv[1]), params)
print(peak_mib() - before)
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="peak memory is only known on Linux"
)
def test_writing_512_mib_of_parameters_takes_less_than_256_mib_more(tmp_path):
    # In a new process: the peak memory of this one is unknown.
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 256
    params = checkpoint.load_params(tmp_path, 0)
    assert (params["kernel1"] == 1).all()


def test_a_workdir_with_a_checkpoint_is_not_overwritten(converted, testdata, run_binary):
    source = testdata / "avh_align_head" / "head.pt"
    done = run_binary("convert", "avh_align", f"--source={source}", f"--out={converted}")
    assert done.returncode == 1
    assert f"{converted} already has a checkpoint, after 0 updates" in done.stderr


def test_a_file_that_names_code_ends_with_1_and_runs_nothing(tmp_path, run_binary):
    attack = call(name("os system"), plain(f"touch {tmp_path / 'trace'}"))
    source = torch_zip.write(tmp_path / "head.pt", dict_of({"state_dict": attack}))
    done = run_binary("convert", "avh_align", f"--source={source}", f"--out={tmp_path / 'out'}")
    assert done.returncode == 1
    assert "head.pt cannot be read" in done.stderr
    assert "os.system, which is code" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "out").exists()


def test_a_file_of_another_kind_ends_with_1(tmp_path, run_binary):
    source = torch_zip.write(tmp_path / "other.pt", dict_of({"weights": plain(1)}))
    done = run_binary("convert", "avh_align", f"--source={source}", f"--out={tmp_path / 'out'}")
    assert done.returncode == 1
    assert "other.pt as avh_align: the file has no entry 'state_dict'" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["avh_align", "--out=x"], "--source"),
        (["avh_align", "--source=/nowhere.pt", "--out=x"], "--source: not found: /nowhere.pt"),
        (["--source=x", "--out=x"], "expected one KIND: join, avh_align"),
        (["avh_algin", "--source=x", "--out=x"], "did you mean 'avh_align'"),
        (["join", "--head=runs/a", "--out=x"], "join takes --encoder and --head, and --out"),
        (["avhubert", "--source=x", "--head=y", "--out=x"], "avhubert takes --source, and --out"),
        (["torch_file", "--source=x", "--out=x"], "unknown kind: 'torch_file'"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_message(run_binary, arguments, message):
    done = run_binary("convert", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_an_example(run_binary):
    done = run_binary("convert", "--help")
    assert done.returncode == 0
    assert "avsync-convert avh_align --source=" in done.stdout
