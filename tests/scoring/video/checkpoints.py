"""A checkpoint to score with, in a second: weights that were never trained."""

from pathlib import Path

import numpy as np

from avsync import build, checkpoint
from avsync.config import default


def write_untrained(workdir: Path) -> Path:
    """A workdir with a checkpoint and a calibration; its scores mean nothing."""
    config = default()
    params = build.init_params(build.make_model(config), build.inputs_like(), seed=0)
    checkpoint.write_config(workdir, config.to_dict())
    checkpoint.write_params(workdir, params)
    scores = np.linspace(3, 4, 40).tolist()
    calibration = {"dataset": "grid", "split": "val", "trim": "leading", "num_frames": 75}
    calibration |= {"frame": "nll", "pooling": "logmeanexp", "scores": scores}
    checkpoint.write_calibration(workdir, 0, calibration)
    return workdir
