"""Trains the paper's head like avsync-train, in turns: see alignment_head.py.

python -m tests.benchmarks.avsync_loop DIR BATCH_CLIPS WINDOW_FRAMES
"""

import sys
from collections.abc import Callable
from pathlib import Path

from avsync import parallel
from avsync.build_training import make_training
from avsync.config import Config, default, encoder, head
from avsync.train.state import new_state
from avsync.train.step import make_train_step, refuse_fakes
from tests.benchmarks.turns import serve

# The pipeline prefetches two batches, and processes the clips of about two more.
READ_AHEAD = 4


def main(directory: Path, batch_clips: int, window_frames: int) -> None:
    serve(make_train(make_config(directory, batch_clips, window_frames)), read_ahead=READ_AHEAD)


def make_config(directory: Path, batch_clips: int, window_frames: int) -> Config:
    config = default()
    config.data.update(
        dataset="random/none", data_dir=str(directory / "tfds"), val_split="train", trim="none"
    )
    config.data.update(batch_size=batch_clips, window_frames=window_frames)
    config.model.visual, config.model.audio = encoder("precomputed"), encoder("precomputed")
    config.model.head = head("fusion_mlp")
    config.optim.update(name="adam", schedule="constant", learning_rate=1e-5, warmup_steps=0)
    config.optim.update(weight_decay=0.0, max_gradient_norm=0.0)
    return config


def make_train(config: Config) -> Callable[[int], int]:
    """`train(num_updates)`, which continues from its last call and returns the number of frames."""
    job = make_training(config)
    state = new_state(job.init(), optimiser=job.rule.optimiser, plateau=job.plateau)
    state = parallel.replicate(state)
    step = make_train_step(job.apply_in_training, job.rule)
    update = parallel.map_step(step, donate_state=True)
    batches = job.batches(0)

    def train(num_updates: int) -> int:
        nonlocal state
        num_frames, pending = 0, None
        for _ in range(num_updates):
            batch, clip_ids = next(batches)
            refuse_fakes(batch, clip_ids)
            state, metrics = update(state, parallel.shard_batch(batch))
            # As in the training loop, the loss is read while the next update runs.
            if pending:
                float(pending["loss"])
            pending = metrics
            num_frames += int(batch.loss_mask.sum())
        if pending:
            float(pending["loss"])
        return num_frames

    return train


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
