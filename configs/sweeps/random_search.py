"""Search over optimiser settings and the augmentation of the sound, 20 runs by default.

    avsync-sweep --config=grid --sweep=random_search:40 --split=test_planted \\
        --workdir=runs/random_search

`:40` draws 40 runs. The same number gives the same runs; a larger number keeps the runs of a
smaller one and adds to them, so that a finished sweep can be extended.

--sampler=optuna chooses each run from the validation losses of those before, and ends bad runs
early.
"""

from avsync.config.files import whole_number
from avsync.sweeps.space import Space, choice, log_uniform, search, uniform

SEED = 0


def get_sweep(arg: str = "") -> Space:
    """`arg` is the number of runs; 20 by default."""
    draws = {
        "optim.learning_rate": log_uniform(2e-4, 1e-2),
        "optim.weight_decay": log_uniform(1e-4, 1e-1),
        "optim.warmup_steps": choice(20, 100, 200),
        "data.augmentation.gain_low_db": uniform(-20.0, 0.0),
    }
    return search(draws, num_runs=whole_number(arg, default=20), seed=SEED)
