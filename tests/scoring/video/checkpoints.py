"""A checkpoint to score with: a small model with weights that were never trained."""

from pathlib import Path

import numpy as np

from avsync import checkpoint
from tests.small_models import random_params, small_config


def write_untrained(workdir: Path) -> Path:
    """A workdir with a checkpoint and a calibration; its scores mean nothing."""
    config = small_config("lip_conv")
    checkpoint.write_config(workdir, config.to_dict())
    checkpoint.write_params(workdir, random_params(config, None))
    scores = np.linspace(3, 4, 40).tolist()
    calibration = {"dataset": "grid", "split": "val", "trim": "leading", "num_frames": 75}
    calibration |= {"frame": "nll", "pooling": "logmeanexp", "scores": scores}
    checkpoint.write_calibration(workdir, 0, calibration)
    return workdir
