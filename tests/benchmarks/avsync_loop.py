"""Trains the paper's head like avsync-train, in turns: see alignment_head.py.

python -m tests.benchmarks.avsync_loop DIR BATCH_CLIPS WINDOW_FRAMES DTYPE
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from avsync import parallel
from avsync.build_training import make_training
from avsync.config import Config, default, encoder, head
from avsync.train.flops import count_flops
from avsync.train.meter import Meter
from avsync.train.state import new_state
from avsync.train.step import make_train_step, refuse_fakes
from tests.benchmarks.turns import serve

# The pipeline prefetches two batches, and processes the clips of about two more.
READ_AHEAD = 4


def main(directory: Path, batch_clips: int, window_frames: int, dtype: str) -> None:
    config = make_config(directory, batch_clips, window_frames)
    config.model.dtype = dtype
    serve(Loop(config).train, read_ahead=READ_AHEAD)


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


class Loop:
    """The updates of a training of `config`, without checkpoints and reports."""

    def __init__(self, config: Config, *, donate_state: bool = True):
        job = make_training(config)
        state = new_state(
            job.init(),
            optimiser=job.rule.optimiser,
            plateau=job.plateau,
            partition=job.rule.partition,
        )
        self._state: Any = parallel.replicate(state)
        step = make_train_step(job.apply_in_training, job.rule)
        self._update = parallel.map_step(step, donate_state=donate_state)
        self._meter = Meter(self._update)
        self._batches = job.batches(0)

    def train(self, num_updates: int) -> int:
        """Continues from the last call; returns the number of frames."""
        num_frames, pending = 0, None
        for _ in range(num_updates):
            with self._meter.waiting():
                batch, clip_ids = next(self._batches)
            refuse_fakes(batch, clip_ids)
            self._state, metrics = self._meter.run(self._state, batch)
            # As in the training loop, the loss is read while the next update runs.
            if pending:
                self._finish(pending)
            pending = metrics
            num_frames += int(batch.loss_mask.sum())
        if pending:
            self._finish(pending)
        return num_frames

    def data_wait(self) -> float:
        """The share of the time since the last call in which the devices waited for a batch."""
        return self._meter.rates().data_wait

    def close(self) -> None:
        self._meter.__exit__()  # ends its thread

    def _finish(self, metrics: Any) -> None:
        float(metrics["loss"])
        self._meter.note_finished()

    def cost(self) -> tuple[Counter[str], Any]:
        """Operations of an update on one device by dtype, and the compiler's memory analysis."""
        batch = parallel.shard_batch(next(self._batches)[0])
        compiled = self._update.lower(self._state, batch).compile()
        return count_flops(self._update, self._state, batch), compiled.memory_analysis()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
