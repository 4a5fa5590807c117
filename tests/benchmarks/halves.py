"""CPU time of models in float32, in bfloat16, and in bfloat16 with products that give bfloat16.

    python -m tests.benchmarks.halves
    python -m tests.benchmarks.halves --small --rounds=1

The third is what Flax does by itself, and what avsync.models.layers.product is for. The three take
turns in one process. A block of AV-HuBERT Large, forward; its ResNet, forward, all frames of a clip
at once and in chunks; a training step of the paper's head. CPU seconds of the process, so that
other load matters little: medians over the rounds.
"""

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from avsync.models import layers
from avsync.models.avhubert.resnet import ResNet
from avsync.models.avhubert.transformer import Transformer
from avsync.models.heads import fusion_mlp

REACH_FRAMES = 15

# With the positions before them, a few percent of the time.
NUM_BLOCKS = 6

FLOAT32, HALF, FLAX_HALF = "float32", "bfloat16", "bfloat16, products too"
KINDS = (FLOAT32, HALF, FLAX_HALF)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="sizes to try the benchmark with")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(arguments)
    clips, frames, width = (2, 20, 64) if args.small else (4, 80, 1024)
    print(
        f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores; {clips} clips of {frames} frames"
    )
    print("| | " + " | ".join(KINDS) + " |")
    print("|---|---|---|---|")
    for name, make, scale in (
        ("block, CPU ms", block(clips, frames, width), 1e3 / NUM_BLOCKS),
        ("ResNet, CPU ms a frame", resnet(clips, frames, 0), 1e3 / clips / frames),
        ("ResNet in chunks of 8", resnet(clips, frames, 8), 1e3 / clips / frames),
        ("head, CPU us a frame", head(clips, frames, width), 1e6 / clips / frames),
    ):
        rows = [f"{scale * seconds:.2f}" for seconds in compare(make, rounds=args.rounds)]
        print(f"| {name} | {' | '.join(rows)} |", flush=True)
    print(f"load average {os.getloadavg()[0]:.1f}")


def compare(make: Callable[[Any], Callable[[], Any]], *, rounds: int) -> list[float]:
    """The median CPU seconds of each of `KINDS`."""
    runs = []
    for kind in KINDS:
        with as_flax_does() if kind == FLAX_HALF else contextlib.nullcontext():
            run = make(jnp.float32 if kind == FLOAT32 else jnp.bfloat16)
            jax.block_until_ready(run())  # compiles
        runs.append(run)
    seconds: list[list[float]] = [[] for _ in KINDS]
    for _ in range(rounds):
        for run, taken in zip(runs, seconds, strict=True):
            start = time.process_time()
            jax.block_until_ready(run())
            taken.append(time.process_time() - start)
    return [statistics.median(taken) for taken in seconds]


@contextlib.contextmanager
def as_flax_does() -> Iterator[None]:
    """Products give the dtype of what is multiplied."""

    def product(x: jax.Array, kernel: jax.Array, axis: int) -> jax.Array:
        return jnp.tensordot(x, kernel, ((x.ndim - 1,), (axis,)))

    with (
        mock.patch.object(layers, "product", product),
        mock.patch.object(fusion_mlp, "product", product),
    ):
        yield


def block(clips: int, frames: int, width: int) -> Callable[[Any], Callable[[], Any]]:
    x, valid = random(clips, frames, width), jnp.ones((clips, frames), bool)

    def make(dtype: Any) -> Callable[[], Any]:
        model = Transformer(4 * width, width // 64, NUM_BLOCKS, dtype=dtype)
        return applied(model, x, valid)

    return make


def resnet(clips: int, frames: int, chunk: int) -> Callable[[Any], Callable[[], Any]]:
    shape = (clips, frames, 88, 88, 1)
    pixels = jnp.asarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    valid = jnp.ones((clips, frames), bool)
    return lambda dtype: applied(
        ResNet(chunk_frames=chunk, dtype=dtype), jnp.asarray(pixels), valid
    )


def head(clips: int, frames: int, width: int) -> Callable[[Any], Callable[[], Any]]:
    streams = random(clips, frames, width), random(clips, frames, width)

    def make(dtype: Any) -> Callable[[], Any]:
        model = fusion_mlp.Head(dtype=dtype)
        params = model.init(jax.random.key(0), *streams, reach_frames=REACH_FRAMES)

        def loss(params: Any) -> jax.Array:
            logits = model.apply(params, *streams, reach_frames=REACH_FRAMES)
            return -jax.nn.log_softmax(logits)[..., REACH_FRAMES].mean()

        step = jax.jit(jax.value_and_grad(loss))
        return lambda: step(params)

    return make


def applied(model: Any, *inputs: jax.Array) -> Callable[[], Any]:
    params = model.init(jax.random.key(0), *inputs)
    forward = jax.jit(model.apply)
    return lambda: forward(params, *inputs)


def random(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


if __name__ == "__main__":
    main()
