"""Checkpoint folders as strangers may give them: each is used rightly or refused by its path."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

import avsync
from avsync import checkpoint, pretrained, trained, weights
from avsync.config import encoder
from tests.conftest import ROOT

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
HUGE = 10**400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped scorer, to be changed."""
    shutil.copytree(pretrained.GRID, tmp_path / "grid")
    return tmp_path / "grid"


def change(path: Path, field: str, value: Any) -> None:
    """Sets a dotted field of a JSON file; deletes it if `value` is `...`."""
    tree = node = json.loads(path.read_text())
    *sections, last = field.split(".")
    for section in sections:
        node = node[section]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    path.write_text(json.dumps(tree))


CONFIGS = [
    ("model", ..., "is incomplete: it lacks model.audio.embedding"),
    ("model", 5, r"config\.model must be a section"),
    ("model.visual", [1], r"config\.model\.visual must be a section"),
    ("model.visual.name", "lipconv", "unknown encoder: 'lipconv'; did you mean 'lip_conv'"),
    ("model.visual.name", None, "name expects text"),
    ("model.visual.embedding", ..., "is incomplete: it lacks model.visual.embedding"),
    ("model.visual.embedding", 10**9, r"embedding is 1000000000; expected 1 to 65536"),
    ("model.visual.widths", [8] * 100_000, "100000 values; expected 1 to 16"),
    (
        "model.visual",
        {**encoder("lip_conv", blocks=(0, 0)), "widths": [96, 128, 8]},
        "widths for 3 stages and blocks for 2",
    ),
    ("model.visual.widths", [8] * 16, "nothing to join: its squares have 393216 pixels"),
    ("model.visual.patch", 33, "patch is 33; expected 1 to 32"),
    ("model.visual.pool", 3, "does not divide the 88 pixels"),
    ("model.audio.widths", [8, 8], "expects 3 values"),
    ("model.reach_frames", 10**9, "reach_frames is 1000000000; expected 1 to 1000"),
    ("model.reach_frames", -1, "reach_frames is -1"),
    ("model.reach_frames", HUGE, "a number below"),
    ("model.reach_frames", float("nan"), "NaN is not a number"),
    ("model.reach_frames", {"a": {}}, "lacks model.reach_frames"),
    ("model.edges", "x\x1b[31m", r"unknown config\.model\.edges: 'x\\x1b\[31m'"),
    ("model.dtype", "float16", r"unknown config\.model\.dtype: 'float16'"),
    ("score.pooling", "median", "unknown pooling: 'median'"),
    ("optim.learning_rate", float("inf"), "Infinity is not a number"),
    ("k" * 300_000, 1, "unknown config field: config.kkk"),
]


@pytest.mark.parametrize(("field", "value", "message"), CONFIGS)
def test_a_config_out_of_range_is_refused_at_once(folder, field, value, message):
    change(folder / "config.json", field, value)
    with pytest.raises(ValueError, match=f"^{folder}/config.json.*({message})") as error:
        trained.read_config(folder)
    assert str(error.value).isprintable() and len(str(error.value)) < 800


VERDICT = {
    **{"frame": "near_nll", "pooling": "window", "is_speech_only": True},
    **{"scores": [1.0], "unrelated_nats": [1.0]},
}

CALIBRATIONS = [
    ("dataset", ..., "'dataset' must be text"),
    ("trim", "both_ends", "unknown trimming rule: 'both_ends'"),
    ("frame", "\x1b]0;", "unknown frame score"),
    ("pooling", 3, "'pooling' must be text"),
    ("num_frames", -1, "'num_frames' must be a positive integer"),
    ("num_identities", 1e12, "'num_identities' must be a positive integer"),
    ("realigned_frames", 1.5, "'realigned_frames' must be a whole number"),
    ("realigned_frames", -101, "a whole number up to 100 either way"),
    ("scores", ..., "a list of finite numbers"),
    ("scores", [], "a list of finite numbers"),
    ("scores", [1.0, "2"], "a list of finite numbers"),
    ("scores", [1.0, HUGE], "a list of finite numbers"),
    ("scores", [1.0, float("nan")], "NaN is not a number"),
    ("verdict", {**VERDICT, "groups": ["a"]}, "'groups' must be an object"),
    ("verdict", {**VERDICT, "groups": {"a": []}}, "'a' must be a list of finite numbers"),
]


@pytest.mark.parametrize(("field", "value", "message"), CALIBRATIONS)
def test_a_calibration_with_other_values_is_refused(folder, field, value, message):
    path = folder / "calibration" / "0.json"
    change(path, field, value)
    with pytest.raises(ValueError, match=f"^{path} .*{message}") as error:
        checkpoint.read_calibration(folder, 0)
    assert str(error.value).isprintable()


READERS: dict[str, Callable[[Path], Any]] = {
    "config.json": trained.read_config,
    "calibration/0.json": lambda folder: checkpoint.read_calibration(folder, 0),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"{", "is not a JSON file"),
        (bytes(range(256)), "is not a JSON file"),
        (b"[1]", "must hold a JSON object, not a list"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "is not a JSON file"),
        (DEEP, "nests values deeper than 20 levels"),
        (b" " * (65 << 20), "too many for such a file"),
    ],
    ids=["empty", "cut", "binary", "list", "digits", "deep", "large"],
)
def test_a_file_that_is_not_a_json_object_is_named(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"^{folder / name} .*{message}"):
        READERS[name](folder)


def make_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("make", [make_loop, make_folder])
@pytest.mark.parametrize("name", ["config.json", "calibration/0.json", "model.safetensors"])
def test_a_loop_or_a_folder_in_place_of_a_file_is_refused(folder, name, make):
    make(folder / name)
    with pytest.raises(ValueError, match=str(folder)):
        avsync.load_scorer(folder)


def save(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    fingerprint = {"fingerprint": weights.fingerprint({}, weights._tree(arrays.items()))}
    (folder / weights.FILE).write_bytes(safetensors.numpy.save(arrays, fingerprint))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head.log_scale": np.array(np.nan, np.float32)}, "head.log_scale has NaN"),
        ({"head.log_scale": np.ones(3, np.float32)}, r"log_scale is \[3\], expected \[\]"),
        ({"head.log_scale": np.array(2)}, "head.log_scale has the type I64"),
        ({"head.log_scale.x": np.ones(3, np.float32)}, "a group called head.log_scale"),
        ({"x": np.ones(3, np.float32)}, r"unknown: x \[3\]"),
        ({"n" * 2000: np.ones(3, np.float32)}, "has more than 1000 characters"),
    ],
)
def test_weights_of_other_values_names_or_types_are_refused(folder, changes, message):
    arrays = dict(weights.leaves(weights.read(folder)))
    if "." in (name := next(iter(changes))) and name.removesuffix(".x") in arrays and "x" in name:
        (folder / weights.FILE).write_bytes(safetensors.numpy.save({**arrays, **changes}))
    else:
        save(folder, {**arrays, **changes})
    with pytest.raises(ValueError, match=f"^{folder}.*{message}"):
        avsync.load_scorer(folder)


def write_steps(workdir: Path, steps: list[int]) -> Path:
    checkpoint.write_config(workdir, {})
    with checkpoint.Checkpointer(workdir) as checkpointer:
        for step in steps:
            state = {"step": jnp.array(step), "params": {"kernel": jnp.ones((40, 40))}}
            checkpointer.save(step, state, loss=1.0 / step if step < steps[-1] else 5.0)
    return workdir / "checkpoints" / str(steps[-1])


PARTS = ["_CHECKPOINT_METADATA", "state/_METADATA", "state/manifest.ocdbt", "state/d", "state"]


@pytest.mark.parametrize("part", PARTS)
def test_the_newest_whole_checkpoint_is_used_and_a_partial_one_is_named(tmp_path, capsys, part):
    newest = write_steps(tmp_path, [3, 6, 9])
    path = newest / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert checkpoint.find(tmp_path) == (tmp_path, 6)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{newest} is incomplete (it lacks ")
    with pytest.raises(ValueError, match=f"^{newest} is incomplete.* {newest.parent / '6'} is who"):
        checkpoint.find(newest)
    expected = {"step": jnp.array(0), "params": {"kernel": jnp.zeros((40, 40))}}
    assert checkpoint.can_resume(tmp_path)
    with checkpoint.Checkpointer(tmp_path) as checkpointer:
        assert checkpointer.latest_step == 6
        state = checkpointer.restore(checkpoint.abstract(expected))
        checkpointer.save(9, jax.tree.map(lambda x: x + 1, state))
    assert checkpoint.load_params(tmp_path, 9)["kernel"][0, 0] == 2
    assert len(list((tmp_path / "incomplete").iterdir())) == 1


def test_a_workdir_of_partial_checkpoints_alone_is_refused(tmp_path):
    (write_steps(tmp_path, [3]) / "_CHECKPOINT_METADATA").write_text("")
    with pytest.raises(ValueError, match=r"checkpoints/3 is incomplete: it has a damaged file"):
        checkpoint.find(tmp_path)
    assert not checkpoint.can_resume(tmp_path)


def test_an_error_of_the_store_is_one_sentence(tmp_path):
    path = write_steps(tmp_path, [3, 6])
    for file in path.glob("state/**/d/*"):
        file.write_bytes(file.read_bytes()[::-1])
    # In a process of its own: reads that are under way when one fails leave warnings behind.
    code = "import sys; from pathlib import Path; from avsync import checkpoint\n"
    code += "try: checkpoint.load_params(Path(sys.argv[1]), 6)\n"
    code += "except ValueError as error: print(error)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"{path} is damaged or incomplete")
    assert len(said) < 500 and said.endswith(f"{path.parent / '3'} is whole\n")
