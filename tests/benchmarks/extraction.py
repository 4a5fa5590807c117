"""Extraction with the large AV-HuBERT (random weights): single clips against buckets.

    python tests/benchmarks/extraction.py
    python tests/benchmarks/extraction.py --dtype=bfloat16 --num_clips=256  # on a GPU

For the audio-only and the video-only pass: clips per second both ways, and the rate of the buckets
as a fraction of that of a plain matrix product of the size of the feed-forward layers. Padding is
not counted. Operations are counted by formula; the count is compared with XLA's for a single block,
since XLA counts the body of a loop once.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from avsync.features.extractor import EncoderBatch, FeatureExtractor, FrozenEncoder
from avsync.models.avhubert import resnet
from avsync.models.avhubert.transformer import POSITION_GROUPS, POSITION_KERNEL_FRAMES
from avsync.models.encoders import avhubert
from avsync.types import ClipInfo, Extraction, WholeClip
from avsync.units import LOOKAHEAD_SAMPLES, SAMPLES_PER_FRAME

SIZES = {
    "large": {},
    "base": {"embedding": 768, "feed_forward": 3072, "num_heads": 12, "num_layers": 12},
    "small": {"embedding": 512, "feed_forward": 2048, "num_heads": 8, "num_layers": 2},
}

STACKED_BANDS = 104


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="large")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--num_clips", type=int, default=8)
    parser.add_argument("--shortest_frames", type=int, default=75)
    parser.add_argument("--longest_frames", type=int, default=150)
    parser.add_argument("--frames_per_batch", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args(arguments)
    print(f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {args.dtype}")
    clips = list(random_clips(args))
    for stream in ("audio", "visual"):
        model = make_model(args, **SIZES[args.size])
        print(f"{stream}: formula / XLA's count {counts_ratio(args, stream, clips):.3f}")
        compare(args, stream, model, clips)
    print(f"load average {os.getloadavg()[0]:.1f}")


def compare(
    args: argparse.Namespace, stream: str, model: avhubert.Encoder, clips: list[WholeClip]
) -> None:
    encoder = make_encoder(model, stream)
    alone, bucketed = (
        FeatureExtractor(encoder, frames_per_batch=frames, dtype=args.dtype)
        for frames in (1, args.frames_per_batch)
    )
    matmul = make_matmul(model, num_rows=args.frames_per_batch)
    matmul_flops = 2 * args.frames_per_batch * model.embedding * model.feed_forward
    flops = sum(frame_flops(model, stream, n) * n for n in (c.info.num_frames for c in clips))

    def extract(extractor: FeatureExtractor) -> None:
        extractor.extract(clips, channels={stream: model.embedding}, advance=lambda _: None)

    for work in (lambda: extract(alone), lambda: extract(bucketed), matmul):
        work()  # compiles
    speedups, shares = [], []
    for _ in range(args.rounds):
        seconds_alone, seconds = timed(lambda: extract(alone)), timed(lambda: extract(bucketed))
        rate = matmul_flops / timed(matmul)
        speedups.append(seconds_alone / seconds)
        shares.append(flops / seconds / rate)
        print(
            f"{stream}: alone {len(clips) / seconds_alone:.2f} clips/s, bucketed "
            f"{len(clips) / seconds:.2f}; {flops / seconds / 1e9:,.0f} GFLOP/s where a matrix "
            f"product has {rate / 1e9:,.0f}",
            flush=True,
        )
    num_frames = sum(clip.info.num_frames for clip in clips)
    print(
        f"{stream}: buckets are {statistics.median(speedups):.2f} times as fast "
        f"({min(speedups):.2f} to {max(speedups):.2f}); {flops / num_frames / 1e9:.3f} GFLOP a "
        f"frame at {statistics.median(shares):.2f} of the rate of a matrix product "
        f"({min(shares):.2f} to {max(shares):.2f})"
    )


def frame_flops(model: avhubert.Encoder, stream: str, clip_frames: int) -> float:
    """Operations of convolutions and matrix products per frame of a clip of `clip_frames`.

    Products with padding around a crop or a clip are not counted, as in XLA's count.
    """
    d = model.embedding
    block = 4 * d * d + 2 * d * model.feed_forward + 2 * clip_frames * d
    taps = _taps(clip_frames, POSITION_KERNEL_FRAMES, stride=1) / clip_frames
    positions = taps * d * d / POSITION_GROUPS
    transformer = 2 * d * d + positions + model.num_layers * block
    front = STACKED_BANDS * d if stream == "audio" else _resnet_products() + resnet.WIDTHS[-1] * d
    return 2 * (front + transformer)


def _resnet_products() -> int:
    """Multiplications of the ResNet per frame."""
    before = resnet.STEM_WIDTH
    products = (2 * resnet.REACH_FRAMES + 1) * before * _taps(resnet.INPUT_PIXELS, 7, stride=2) ** 2
    side = resnet.INPUT_PIXELS // 4  # after the stem and the pooling
    for stage, width in enumerate(resnet.WIDTHS):
        stride = 2 if stage > 0 else 1
        products += before * width * _taps(side, 3, stride=stride) ** 2
        if stride > 1:
            products += (
                before * width * _taps(side, 1, stride=stride) ** 2
            )  # the shortcut connection
        side = -(-side // stride)
        products += (2 * resnet.BLOCKS - 1) * width * width * _taps(side, 3, stride=1) ** 2
        before = width
    return products


def _taps(length: int, kernel: int, *, stride: int) -> int:
    """The number of inputs under the kernel, summed over all its positions along `length`."""
    first = np.arange(0, length, stride) - kernel // 2
    return int((np.minimum(first + kernel, length) - np.maximum(first, 0)).sum())


def counts_ratio(args: argparse.Namespace, stream: str, clips: list[WholeClip]) -> float:
    """The formula divided by XLA's count of the compiled program, for a model of one block."""
    model = make_model(args, **{**SIZES[args.size], "num_layers": 1})
    num_frames = min(clip.info.num_frames for clip in clips)
    encoder = make_encoder(model, stream)
    compiled = jax.jit(encoder.extract).lower(encoder.params, like(num_frames)).compile()
    return frame_flops(model, stream, num_frames) * num_frames / compiled.cost_analysis()["flops"]


def make_model(args: argparse.Namespace, **sizes: int) -> avhubert.Encoder:
    return avhubert.Encoder(**sizes, dtype=jnp.dtype(args.dtype))


def make_encoder(model: avhubert.Encoder, stream: str, params: Any = None) -> FrozenEncoder:
    """`model` for one stream, with random weights if no `params` are given."""
    extract, init = make_functions(model, stream)
    if params is None:
        shapes = jax.eval_shape(init, jax.random.key(0), like(4))
        random = np.random.default_rng(0)
        params = jax.tree.map(
            lambda x: 0.02 * random.standard_normal(x.shape, np.float32), shapes["params"]
        )
    params = model.inference_params(params)
    return FrozenEncoder(extract, params, Extraction("none", "random", {stream: model.embedding}))


def make_functions(
    model: avhubert.Encoder, stream: str
) -> tuple[Callable[[Any, EncoderBatch], Any], Callable[[jax.Array, EncoderBatch], Any]]:
    """(params, batch) -> the features of one stream, and (key, batch) -> its variables."""

    def extract(params: Any, batch: EncoderBatch) -> Any:
        return model.apply({"params": params}, *batch, streams=(stream,), method="extract")

    def init(key: jax.Array, batch: EncoderBatch) -> Any:
        return model.init(key, *batch, streams=(stream,), method="extract")

    return extract, init


def like(num_frames: int) -> EncoderBatch:
    """One clip of zeros."""
    num_samples = num_frames * SAMPLES_PER_FRAME + LOOKAHEAD_SAMPLES
    return EncoderBatch(
        frames=np.zeros((1, num_frames, resnet.INPUT_PIXELS, resnet.INPUT_PIXELS, 1), np.uint8),
        waveform=np.zeros((1, num_samples), np.float32),
        num_samples=np.full(1, num_samples, np.int32),
        valid=np.ones((1, num_frames), bool),
    )


def make_matmul(model: avhubert.Encoder, *, num_rows: int) -> Callable[[], None]:
    x = jnp.ones((num_rows, model.embedding), model.dtype)
    kernel = jnp.ones((model.embedding, model.feed_forward), model.dtype)
    product = jax.jit(jnp.matmul)
    return lambda: jax.block_until_ready(product(x, kernel))


def random_clips(args: argparse.Namespace) -> Iterator[WholeClip]:
    random = np.random.default_rng(0)
    for i in range(args.num_clips):
        n = int(random.integers(args.shortest_frames, args.longest_frames + 1))
        frames = random.integers(0, 256, (n, resnet.INPUT_PIXELS, resnet.INPUT_PIXELS, 1), np.uint8)
        waveform = random.integers(-5000, 5000, n * SAMPLES_PER_FRAME).astype(np.int16)
        info = ClipInfo(str(i), label=0, category="RV-RA", num_frames=n)
        yield WholeClip(info, frames, waveform)


def timed(work: Callable[[], None]) -> float:
    """Seconds of the fastest run of `work` within a tenth of a second; at least one run."""
    began, fastest = time.perf_counter(), float("inf")
    while fastest == float("inf") or time.perf_counter() - began < 0.1:
        since = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - since)
    return fastest


if __name__ == "__main__":
    main()
