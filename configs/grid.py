"""Real clips of one speaker of the GRID corpus: seven minutes on two CPU cores.

    avsync-prepare --dataset=grid --source=~/grid --data_dir=data
    avsync-train --config=grid --workdir=runs/grid
    avsync-evaluate --checkpoint=runs/grid --dataset=grid --split=test_planted --data_dir=data \\
        --out=runs/grid/evaluation

With the clips of speaker 1, expect a validation loss of 1.2 nats per frame and, on the 99 held-out
clips, trimmed, an AUC of 0.99 for swapped sound, 0.98 for 0.8 s of spliced sound and 0.96 for
0.4 s. Leading silence alone drops from 1.00 to 0.50. The supervised baseline takes four more
minutes:

    avsync-train --config=grid:supervised --workdir=runs/grid_supervised

`--also=supervised=runs/grid_supervised` adds its score to an evaluation.

    avsync-train --config=grid:strangers --workdir=runs/grid_strangers

augments picture, sound and speed strongly, for talkers that are not in the training data.
"""

from avsync.config import Config, default, make_strangers, make_supervised, require_variant

VARIANTS = ("supervised", "strangers", "strangers_test", "test")


def get_config(arg: str = "") -> Config:
    """`:supervised`: the supervised baseline; `:strangers` augments strongly; `:test` is short."""
    variant = require_variant(arg, VARIANTS)
    config = default()
    config.data.update(dataset="grid", trim="jitter", window_frames=72)
    config.train.update(num_steps=880, checkpoint_every=88)
    if variant == "supervised":
        make_supervised(config)
        config.data.window_frames = 75  # a whole clip, so that its leading silence is in the window
        # The loss stays at chance for hundreds of updates, until the model finds the silence.
        config.data.batch_size = 4
        config.optim.update(learning_rate=1e-3, warmup_steps=10)
        config.train.update(num_steps=480, checkpoint_every=80)
    if variant.startswith("strangers"):
        make_strangers(config)
        config.train.update(num_steps=1320)
    if variant.endswith("test"):
        config.data.batch_size = 4
        config.optim.warmup_steps = 2
        config.train.update(num_steps=8, log_every=1, checkpoint_every=8)
    return config
