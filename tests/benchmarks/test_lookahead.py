"""Sound behind the last frame changes the input of that frame, and by it all features."""

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from avsync import trained
from avsync.config import default, with_changes
from avsync.convert import avhubert, torch_file
from avsync.models.frontend import stacked_log_filterbank
from avsync.units import LOOKAHEAD_SAMPLES, SAMPLES_PER_FRAME
from tests.benchmarks import lookahead


def test_it_changes_the_input_of_the_last_frame_alone():
    num_samples = 5 * SAMPLES_PER_FRAME
    samples = np.random.default_rng(0).normal(size=(1, num_samples + SAMPLES_PER_FRAME))
    sound = jnp.asarray(samples, jnp.float32)
    cut, longer, longest = (
        stacked_log_filterbank(sound[:, :end], amplitude="float")[0, :5]
        for end in (num_samples, num_samples + LOOKAHEAD_SAMPLES, None)
    )
    np.testing.assert_array_equal(cut[:4], longer[:4])
    assert np.abs(cut[4] - longer[4]).max() > 0.1
    np.testing.assert_array_equal(longer, longest)


@pytest.mark.slow
def test_its_effect_on_features_and_scores_is_reported(
    testdata: Path, tiny_data: Path, tmp_path: Path, capsys
):
    published = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    params, changes = avhubert.convert_file(published)
    config = with_changes(default(), changes)
    trained.write(trained.Trained(config, params, tmp_path), tmp_path / "weights")
    place = [f"--weights={tmp_path / 'weights'}", f"--data_dir={tiny_data}"]
    lookahead.main([*place, "--dataset=synthetic_talkers/tiny", "--split=val"])
    printed = capsys.readouterr().out
    changes = re.findall(r"^frame +([\w ]+) from the end: median (\d\.\d+)$", printed, re.MULTILINE)
    assert changes[0][0] == "1"
    assert float(changes[0][1]) == max(float(change) for _, change in changes) > 0
    assert re.search(
        r"^clip score: median change \d\.\d+, spread over clips \d\.\d+$", printed, re.M
    )
