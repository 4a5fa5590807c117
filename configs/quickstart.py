"""The embedded synthetic talkers, in minutes on two cores.

avsync-train --config=configs/quickstart.py --workdir=runs/quickstart
"""

from avsync.config import Config, default


def get_config(arg: str = "") -> Config:
    """`:test` is a variant of seconds, for tests: a tiny dataset and a few updates."""
    config = default()
    config.data.dataset = "synthetic_talkers"
    config.train.num_steps = 200
    if arg == "test":
        config.data.dataset = "synthetic_talkers/tiny"
        config.data.batch_size = 4
        config.data.window_frames = 40
        config.model.visual.update(stem_width=8, widths=(8, 16), features=32, embedding=16)
        config.model.audio.update(widths=(16, 16, 32), embedding=16)
        config.optim.warmup_steps = 2
        config.train.update(num_steps=6, log_every=1, checkpoint_every=3)
    elif arg:
        raise ValueError(f"configs/quickstart.py knows no variant {arg!r}; only 'test'")
    return config
