"""Real talkers of the GRID corpus, trained on reals only, in 15 minutes on two cores.

    avsync-prepare --dataset=grid --source=~/grid --data_dir=data
    avsync-train --config=configs/grid.py --workdir=runs/grid
    avsync-evaluate --checkpoint=runs/grid --dataset=grid --split=test_planted --data_dir=data \\
        --out=runs/grid/evaluation
"""

from avsync.config import Config, default


def get_config(arg: str = "") -> Config:
    """`:test` is a variant of seconds, for tests on a few real clips."""
    config = default()
    config.data.dataset = "grid"
    config.data.trim = "jitter"
    config.data.window_frames = 72
    config.train.update(num_steps=880, checkpoint_every=88)
    if arg == "test":
        config.data.batch_size = 4
        config.optim.warmup_steps = 2
        config.train.update(num_steps=8, log_every=1, checkpoint_every=8)
    elif arg:
        raise ValueError(f"configs/grid.py knows no variant {arg!r}; only 'test'")
    return config
