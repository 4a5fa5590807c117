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
    # "shuffled": windows of clips in random order. "file": all frames of features in the order on
    # disk, across the borders of clips, as in the paper's code (one process).
    data.order = "shuffled"
    data.batch_size = 8  # clips an update or a validation step, over all devices of all hosts
    data.window_frames = 75  # 3 s; shuffled
    data.frames_per_batch = 1024  # an update, over all devices; file order
    data.trim = "leading"  # of training clips: avsync.pp.silence.RULES
    data.augmentation = augmentation = ConfigDict()  # avsync.pp.augment.Augmentation
    augmentation.flip = 0.5
    augmentation.shift_pixels = 4
    augmentation.brightness = 0.2
    augmentation.contrast = 0.2
    augmentation.gain_low_db = -8.0
    augmentation.gain_high_db = 4.0
    # Training clips to leave out or to correct; by default none: input_pipeline.gates.judging.Gates
    data.gates = gates = ConfigDict()
    gates.sync = "keep"  # or "drop", "shift": reals out of sync by sync_scores, a scores.jsonl
    gates.sync_scores = ""
    gates.sync_tolerance_frames = 1
    gates.sync_margin = 0.5
    gates.min_eye_distance_pixels = 0.0
    gates.duplicates = "keep"  # or "drop"

    config.model = model = ConfigDict()
    model.visual = ConfigDict({"name": "lip_conv"})
    model.audio = ConfigDict({"name": "mel_conv"})
    model.head = ConfigDict({"name": "cosine"})
    model.reach_frames = 15
    model.edges = "masked"
    model.dtype = "float32"  # of activations, or "bfloat16"; sums and norms are in float32 anyway

    config.optim = optimiser = ConfigDict()
    optimiser.name = "adamw"
    optimiser.schedule = "cosine"  # avsync.train.optim.SCHEDULES
    optimiser.learning_rate = 2e-3
    optimiser.warmup_steps = 100
    # Schedule "plateau": the rate's factor once more than so many validations were no better.
    optimiser.plateau_factor = 0.1
    optimiser.plateau_patience = 5
    optimiser.weight_decay = 1e-2
    optimiser.max_gradient_norm = 1.0  # gradients are clipped to it; 0: never
    # Of a moving average of the parameters, validated and evaluated in their place; 0: none.
    optimiser.ema_decay = 0.0

    config.train = train = ConfigDict()
    train.init_from = ""  # a workdir or checkpoint, whose parameters to start with
    train.loss = "alignment"  # avsync.train.losses; "supervised" is the baseline that sees labels
    train.reduction = "mean"  # over a batch's frames: avsync.train.step.REDUCTIONS
    # Each device takes its clips in so many parts, one after the other: the memory of one part, the
    # update of the whole batch.
    train.grad_accum_steps = 1
    train.remat = "none"  # "cheap" for less memory: avsync.train.remat
    # Clips on each side in the batch, of all devices, whose sounds are there to be chosen as well.
    train.reach_clips = 0
    train.num_steps = 1000
    train.log_every = 20
    train.checkpoint_every = 200  # updates between validations; each ends with a checkpoint
    # If not 0, training ends after so many epochs and is validated after each: num_steps and
    # checkpoint_every do not count. A shuffled epoch is one window of every clip, rounded up to
    # whole batches.
    train.num_epochs = 0
    train.early_stop_validations = 0  # in a row, none of them the best, end training; 0: never

    config.score = score = ConfigDict()
    score.frame = "nll"  # avsync.scoring.FRAME_SCORES
    score.pooling = "logmeanexp"  # avsync.scoring.POOLINGS
    return config


def supervise(config: Config) -> None:
    """Makes of a config that of its twin: the same encoders and head, taught by labels.

    It is the baseline that falls for shortcuts (AVH-Align/sup, Smeu et al. 2025): whole clips as
    they are, silence and all; its logit says "fake".
    """
    config.data.update(train_split="train_labelled", val_split="val_labelled", trim="none")
    config.train.loss = "supervised"
    config.score.update(frame="fake_logit", pooling="logsumexp")
