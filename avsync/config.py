"""Every field that a config has, with its default. A file of configs/ changes some of them.

It imports nothing heavy: reading a config, or --help, must not wait for TensorFlow.
"""

from typing import TYPE_CHECKING, Any

from ml_collections import ConfigDict

if TYPE_CHECKING:
    # What a field holds is known when the program runs; the stub says "any of seven types".
    Config = Any
else:
    Config = ConfigDict


def default() -> Config:
    """Every field there is, with its default."""
    config: Config = ConfigDict()
    config.seed = 0

    config.data = data = ConfigDict()
    data.dataset = "synthetic_talkers"  # "name" or "name/config", prepared in data_dir
    data.data_dir = "data"
    data.train_split = "train"
    data.val_split = "val"
    data.batch_size = 8  # clips an update, over all devices of all hosts
    data.window_frames = 75  # 3 s
    data.trim = "leading"  # of training clips: avsync.pp.silence.RULES
    data.augmentation = augmentation = ConfigDict()  # avsync.pp.augment.Augmentation
    augmentation.flip = 0.5
    augmentation.shift_pixels = 4
    augmentation.brightness = 0.2
    augmentation.contrast = 0.2
    augmentation.gain_low_db = -8.0
    augmentation.gain_high_db = 4.0

    config.model = model = ConfigDict()
    model.visual = ConfigDict({"name": "lip_conv"})
    model.audio = ConfigDict({"name": "mel_conv"})
    model.head = ConfigDict({"name": "cosine"})
    model.reach_frames = 15
    model.edges = "masked"
    model.dtype = "float32"

    config.optim = optimiser = ConfigDict()
    optimiser.name = "adamw"
    optimiser.schedule = "cosine"
    optimiser.learning_rate = 2e-3
    optimiser.warmup_steps = 100
    optimiser.weight_decay = 1e-2
    optimiser.max_gradient_norm = 1.0

    config.train = train = ConfigDict()
    train.num_steps = 1000
    train.log_every = 20
    train.checkpoint_every = 200  # updates between validations; each ends with a checkpoint

    config.score = score = ConfigDict()
    score.frame = "nll"  # avsync.scoring.FRAME_SCORES
    score.pooling = "logmeanexp"  # avsync.scoring.POOLINGS
    return config
