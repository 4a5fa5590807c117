"""The embedded synthetic talkers, in minutes on two cores.

avsync-train --config=configs/quickstart.py --workdir=runs/quickstart
"""

from avsync.config import Config, default, supervise

VARIANTS = ("", "test", "supervised", "supervised_test")


def get_config(arg: str = "") -> Config:
    """`:supervised` is the twin that is taught by labels; `:test` variants are of seconds.

    The background of the synthetic talkers is nearly as quiet as digital silence: the twin does not
    learn to tell them apart in minutes, as it does on real clips (configs/grid.py:supervised).
    """
    if arg not in VARIANTS:
        raise ValueError(f"configs/quickstart.py knows no variant {arg!r}; only {VARIANTS[1:]}")
    config = default()
    config.data.dataset = "synthetic_talkers"
    config.train.num_steps = 200
    if arg.startswith("supervised"):
        supervise(config)
        config.data.window_frames = 100  # from the first frame of nearly every clip: all of it
        config.optim.warmup_steps = 10
        config.train.update(num_steps=40, log_every=10, checkpoint_every=40)
    if arg.endswith("test"):
        config.data.dataset = "synthetic_talkers/tiny"
        config.data.batch_size = 4
        config.data.window_frames = 40
        config.model.visual.update(stem_width=8, widths=(8, 16), features=32, embedding=16)
        config.model.audio.update(widths=(16, 16, 32), embedding=16)
        config.optim.warmup_steps = 2
        config.train.update(num_steps=6, log_every=1, checkpoint_every=3)
    return config
