"""Real talkers of the GRID corpus, trained on reals only: seven minutes on two cores.

    avsync-prepare --dataset=grid --source=~/grid --data_dir=data
    avsync-train --config=configs/grid.py --workdir=runs/grid
    avsync-evaluate --checkpoint=runs/grid --dataset=grid --split=test_planted --data_dir=data \\
        --out=runs/grid/evaluation

Expect, with the clips of talker 1, a validation loss of 1.2 nats a frame, and on the 99 clips
held out, trimmed, an AUC of 0.99 for swapped sound, 0.98 for 0.8 s of spliced sound and 0.96 for
0.4 s; leading silence goes from 1.00 to 0.50. The twin that is taught by labels, four minutes more,

    avsync-train --config=configs/grid.py:supervised --workdir=runs/grid_supervised

goes with it: `--also=supervised=runs/grid_supervised` when evaluating adds its score.
"""

from avsync.config import Config, default, supervise

VARIANTS = ("", "test", "supervised")


def get_config(arg: str = "") -> Config:
    """`:supervised` is the twin that is taught by labels; `:test`, of seconds, is for tests."""
    if arg not in VARIANTS:
        raise ValueError(f"configs/grid.py knows no variant {arg!r}; only {VARIANTS[1:]}")
    config = default()
    config.data.dataset = "grid"
    config.data.trim = "jitter"
    config.data.window_frames = 72
    config.train.update(num_steps=880, checkpoint_every=88)
    if arg == "supervised":
        supervise(config)
        config.data.window_frames = 75  # all of a clip, and silence before it is in what is kept
        # It stays at chance for hundreds of updates, until it finds the silence.
        config.data.batch_size = 4
        config.optim.update(learning_rate=1e-3, warmup_steps=10)
        config.train.update(num_steps=480, checkpoint_every=80)
    if arg == "test":
        config.data.batch_size = 4
        config.optim.warmup_steps = 2
        config.train.update(num_steps=8, log_every=1, checkpoint_every=8)
    return config
