"""The embedded synthetic talkers, in minutes on two cores.

avsync-train --config=configs/quickstart.py --workdir=runs/quickstart
"""

from avsync.config import Config, default, supervise

VARIANTS = ("", "test", "supervised", "supervised_test")


def get_config(arg: str = "") -> Config:
    """`:supervised` is the twin that is taught by labels; `:test` variants are of seconds."""
    if arg not in VARIANTS:
        raise ValueError(f"configs/quickstart.py knows no variant {arg!r}; only {VARIANTS[1:]}")
    config = default()
    config.data.dataset = "synthetic_talkers"
    config.train.num_steps = 200
    if arg.startswith("supervised"):
        supervise(config)
        config.data.window_frames = 100  # from the first frame of nearly every clip: all of it
        config.data.batch_size = 4  # there are few labelled clips: many updates teach it faster
        config.optim.update(learning_rate=1e-3, warmup_steps=10)
    if arg.endswith("test"):
        config.data.dataset = "synthetic_talkers/tiny"
        config.data.batch_size = 4
        config.data.window_frames = 40
        config.model.visual.update(stem_width=8, widths=(8, 16), features=32, embedding=16)
        config.model.audio.update(widths=(16, 16, 32), embedding=16)
        config.optim.warmup_steps = 2
        config.train.update(num_steps=6, log_every=1, checkpoint_every=3)
    return config
