"""Twenty draws of the optimiser's settings and the augmentation of the sound.

    avsync-sweep --config=configs/grid.py --sweep=configs/sweeps/random_search.py:40 \\
        --split=test_planted --workdir=runs/random_search

`:N` draws N. The same N gives the same runs, a larger one has those of a smaller one first: a sweep
that was run can be gone on with.
"""

from avsync.sweeps.space import Overrides, choice, log_uniform, sample, uniform

SEED = 0


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is the number of runs, 20 if it is empty."""
    if not (arg or "20").isdecimal():
        raise ValueError(f"random_search.py takes how many runs, such as :40; got {arg!r}")
    draws = {
        "optim.learning_rate": log_uniform(2e-4, 1e-2),
        "optim.weight_decay": log_uniform(1e-4, 1e-1),
        "optim.warmup_steps": choice(20, 100, 200),
        "data.augmentation.gain_low_db": uniform(-20.0, 0.0),
    }
    return sample(draws, num_runs=int(arg or 20), seed=SEED)
