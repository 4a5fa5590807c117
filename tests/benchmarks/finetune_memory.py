"""Memory of one update of AV-HuBERT Large and a head: all trained, the last two blocks, the head.

    python tests/benchmarks/finetune_memory.py

The update is compiled from shapes and not run: nothing is allocated. XLA's compiled analysis gives
the bytes of its arguments (state and batch) and of its temporary buffers, on one device. Prints the
table of configs/README.md, "Fine-tuning". Each row compiles for minutes on two cores.
"""

import argparse
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from avsync import build, build_training, parallel
from avsync.config import Config, files, with_changes
from avsync.train.state import new_state
from avsync.train.step import make_train_step
from avsync.types import STREAMS, Batch, Extraction
from avsync.units import INPUT_PIXELS, SAMPLES_PER_FRAME

FRAMES = 75

BLOCKS = "encoder,!encoder.transformer.blocks[-2:],!encoder.transformer.final_norm"
RULES = {"all": "", "last two blocks": BLOCKS, "head alone": "encoder"}

GIB = 2**30


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="avh_align:finetune")
    parser.add_argument("--clips", type=int, default=4, help="clips of 75 frames per update")
    parser.add_argument("--rows", nargs="*", default=list(RULES), choices=list(RULES))
    options = parser.parse_args(arguments)
    print("| trained | parameters | state | optimiser state in it | temporary | total |")
    print("|---|---|---|---|---|---|")
    for name in options.rows:
        config = files.run(files.CONFIG, options.config)
        config = with_changes(config, {"train.freeze": RULES[name]})
        print(row(name, config=config, num_clips=options.clips), flush=True)


def row(name: str, *, config: Config, num_clips: int) -> str:
    """A row of the table, in GiB."""
    update = make_update(config)
    batch = batch_like(num_clips, data_frames=FRAMES)
    memory = update.step.lower(update.state, batch).compile().memory_analysis()
    trained = sum(x.size for x in jax.tree.leaves(update.trained))
    state_bytes, total = size(update.state), memory.temp_size_in_bytes
    total += memory.argument_size_in_bytes
    numbers = (state_bytes, size(update.state.opt_state), memory.temp_size_in_bytes, total)
    cells = " | ".join(f"{number / GIB:.2f}" for number in numbers)
    # Donated: the new state is written over the old one.
    assert memory.alias_size_in_bytes > 0.99 * state_bytes, memory
    return f"| {name} | {trained / 1e6:,.1f} M | {cells} |"


class Update(NamedTuple):
    """A mapped update, the shapes of its state, and those of the parameters that it trains."""

    step: Any
    state: Any
    trained: Any


def make_update(config: Config, extraction: Extraction | None = None) -> Update:
    """The update of a training, on clips or on features of `extraction`; nothing is allocated."""
    model = build.make_model(config)

    def init() -> Any:
        return build.init_params(model, build.inputs_like(extraction), seed=0)

    rule = build_training.make_rule(config, num_steps=1000, init=init)
    state: Any = jax.eval_shape(
        lambda: new_state(
            init(),
            optimiser=rule.optimiser,
            plateau=build_training.make_plateau(config),
            partition=rule.partition,
        )
    )
    apply = build_training.make_apply_in_training(config, model)
    step = parallel.map_step(make_train_step(apply, rule), donate_state=True)
    return Update(step, state, rule.partition.trained_of(state.params))


def size(tree: Any) -> int:
    """Bytes of all arrays."""
    return sum(x.size * jnp.dtype(x.dtype).itemsize for x in jax.tree.leaves(tree))


def batch_like(num_clips: int, *, data_frames: int, extraction: Extraction | None = None) -> Batch:
    """Shapes of a batch on one device, of clips or of features of `extraction`."""

    def of(shape: tuple[int, ...], dtype: Any) -> Any:
        return jax.ShapeDtypeStruct((1, num_clips, *shape), dtype)

    valid, label = of((data_frames,), np.bool_), of((), np.int32)
    if extraction:
        visual, audio = (
            of((data_frames, extraction.channels[stream]), np.float32) for stream in STREAMS
        )
        return Batch(visual, audio, valid, valid, label)
    visual = of((data_frames, INPUT_PIXELS, INPUT_PIXELS, 1), np.uint8)
    audio = of((data_frames * SAMPLES_PER_FRAME,), np.int16)
    return Batch(visual, audio, valid, valid, label)


if __name__ == "__main__":
    main()
