"""Time, memory and operations of scoring long files with AV-HuBERT Large, random weights.

    python tests/benchmarks/long_files.py --clip=grid_s1/video/bbaf2n.mkv --seconds=60,600
    python tests/benchmarks/long_files.py --clip=grid_s1/video/bbaf2n.mkv --dtype=bfloat16

Each file repeats a clip, and is scored by a process of its own, as avsync-score does. CPU seconds
are printed beside wall seconds, and shares of the peak are per CPU second: they mean the same on a
busy machine. The peak is that of a large matrix product.
"""

import argparse
import collections
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import jax
import jax.numpy as jnp
import numpy as np

from avsync import build, trained
from avsync.checkpoint import find, read_calibration
from avsync.config import Config, default, with_changes
from avsync.media.landmarks.base import load_detector
from avsync.media.reading import DirectReader
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.chunks import chunk_size
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.video_scorer import VideoScorer
from avsync.train.flops import count_flops
from avsync.units import FRAMES_PER_SECOND, INPUT_PIXELS, SAMPLES_PER_FRAME
from tests.odd_files import SOUND_RATE, read

SIZES = {
    "large": {},
    "small": {"embedding": 32, "feed_forward": 64, "num_heads": 2, "num_layers": 2},
}

MATRIX_SIDE = 2048


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, required=True, help="a clip of GRID")
    parser.add_argument("--workdir", type=Path, default=Path("/tmp/avsync_long_files"))
    parser.add_argument("--seconds", default="60", help="lengths of the files, with commas")
    parser.add_argument("--size", choices=SIZES, default="large")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--rounds", type=int, default=2, help="the first one also compiles")
    parser.add_argument("--file", type=Path, help="score this file in this process")
    args = parser.parse_args(arguments)
    checkpoint = args.workdir / args.size
    if args.file:
        print(json.dumps(measured(args, checkpoint)))
        return
    if not checkpoint.exists():
        write_random(SIZES[args.size], checkpoint)
    for seconds in map(int, args.seconds.split(",")):
        file = args.workdir / f"{seconds}s.mkv"
        if not file.exists():
            args.workdir.mkdir(parents=True, exist_ok=True)
            write_long(args.clip, file, seconds=seconds)
        command = [sys.executable, __file__, f"--file={file}", *sys.argv[1:]]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(f"{seconds} s, {args.size}, {args.dtype}:", flush=True)
        for name, value in json.loads(done.stdout.splitlines()[-1]).items():
            print(f"  {name}: {value}", flush=True)


def measured(args: argparse.Namespace, checkpoint: Path) -> dict[str, Any]:
    """Results of scoring `args.file`, by name."""
    workdir, step = find(checkpoint)
    scorer = build.load_scorer(workdir, step, extraction=None, dtype=args.dtype)
    reference = Reference(read_calibration(workdir, step), false_alarm_rate=0.05)
    loaded_mib = memory_mib()
    video_scorer = VideoScorer(scorer, reference, reader=DirectReader(load_detector("trees68")))
    results: dict[str, Any] = {"peak MiB after loading": loaded_mib["VmHWM"]}
    stages = Stages()
    for number in range(args.rounds):
        stages = Stages()
        with contextlib.suppress(RealignmentBegun):
            video_scorer.score(args.file, on_progress=stages.on_progress)
        results[f"round {number + 1}"] = {name: stages.summary(name) for name in stages.seconds}
    results["peak MiB"] = memory_mib()["VmHWM"]
    num_frames = min(chunk_size(scorer.context).num_frames, stages.num_frames["model"])
    flops = chunk_flops(scorer, num_frames)
    rate = flops * stages.num_calls["model"] / stages.cpu_seconds["model"]
    peak = matmul_rate(args.dtype)
    results["GFLOP per frame of a chunk"] = round(flops / num_frames / 1e9, 2)
    results["GFLOP per CPU second"] = round(rate / 1e9, 1)
    results["GFLOP per CPU second of a matrix product"] = round(peak / 1e9, 1)
    results["share of the peak"] = round(rate / peak, 2)
    return results


class RealignmentBegun(Exception):
    """Random weights prefer a random offset; a file in sync would not be scored again."""


class Stages:
    """Frames, chunks, wall and CPU seconds of each stage of `VideoScorer.score`.

    Raises `RealignmentBegun` after the first chunk of the realigned file.
    """

    def __init__(self) -> None:
        self.num_frames: dict[str, int] = {}
        self.num_calls: collections.Counter[str] = collections.Counter()
        self.seconds: collections.defaultdict[str, float] = collections.defaultdict(float)
        self.cpu_seconds: collections.defaultdict[str, float] = collections.defaultdict(float)
        self._since = time.monotonic(), time.process_time()

    def on_progress(self, stage: str, done: int, total: int) -> None:
        del done
        if stage == "realigned":
            raise RealignmentBegun
        now = time.monotonic(), time.process_time()
        self.seconds[stage] += now[0] - self._since[0]
        self.cpu_seconds[stage] += now[1] - self._since[1]
        self.num_calls[stage] += 1
        self.num_frames[stage] = total
        self._since = now

    def summary(self, stage: str) -> str:
        seconds, cpu_seconds = self.seconds[stage], self.cpu_seconds[stage]
        return f"{self.num_frames[stage]:,} frames, {seconds:.1f} s, {cpu_seconds:.1f} CPU s"


def memory_mib() -> dict[str, int]:
    """Resident memory now and at its peak, in MiB. Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) >> 10 for name in ("VmRSS", "VmHWM")}


def chunk_flops(scorer: Scorer, num_frames: int) -> int:
    """Operations of the model on one chunk."""
    batch = (
        np.zeros((1, num_frames, INPUT_PIXELS, INPUT_PIXELS, 1), np.uint8),
        np.zeros((1, num_frames * SAMPLES_PER_FRAME), np.int16),
        np.ones((1, num_frames), bool),
    )
    return sum(count_flops(scorer.apply, scorer.params, *batch).values())


def matmul_rate(dtype: str) -> float:
    """Operations per CPU second of a product of large matrices."""
    matrix = jnp.ones((MATRIX_SIDE, MATRIX_SIDE), dtype)
    product = jax.jit(jnp.matmul)
    product(matrix, matrix).block_until_ready()
    fastest = np.inf
    for _ in range(5):
        since = time.process_time()
        product(matrix, matrix).block_until_ready()
        fastest = min(fastest, time.process_time() - since)
    return 2 * MATRIX_SIDE**3 / fastest


def write_random(sizes: dict[str, int], workdir: Path) -> None:
    """A whole model of AVH-Align with random weights: AV-HuBERT for both streams, and a head."""
    config = joint_config(sizes)
    model = build.make_model(config)
    shapes = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    random = np.random.default_rng(0)

    def fill(path: Any, like: Any) -> np.ndarray:
        name = path[-1].key
        if name != "kernel":
            value = {"scale": 1, "slope": 0.25, "bias": 0}[name]
            return np.full(like.shape, value, np.float32)
        # Stacked layers have a leading axis; a convolution's fan-in includes its taps.
        num_inputs = like.shape[-2] if "blocks" in str(path) else np.prod(like.shape[:-1])
        kernel = random.standard_normal(like.shape, np.float32)
        kernel *= num_inputs**-0.5
        return kernel

    params = jax.tree_util.tree_map_with_path(fill, shapes)
    trained.write(trained.Trained(config, params, workdir), workdir)


def joint_config(sizes: dict[str, int]) -> Config:
    """The config of a head of AVH-Align on one AV-HuBERT of these sizes."""
    encoder = {"name": "avhubert", "modality": "both", **sizes}
    sections = {"visual": encoder, "audio": {"name": "shared"}, "head": {"name": "fusion_mlp"}}
    return with_changes(default(), {"model": sections})


def write_long(clip: Path, out: Path, *, seconds: int) -> None:
    """Writes a file of `seconds`: `clip`, of GRID, forward and backward in turns, with its sound.

    Without cuts one face is followed from the start to the end.
    """
    frames, samples = read(clip)
    num_samples = round(len(frames) / FRAMES_PER_SECOND * SOUND_RATE)
    padded = np.zeros((1, num_samples), np.int16)
    padded[:, : samples.shape[1]] = samples[:, :num_samples] * 32_767
    with av.open(str(out), "w") as target:
        picture = target.add_stream("mpeg4", rate=FRAMES_PER_SECOND, options={"qscale": "3"})
        picture.height, picture.width = frames.shape[1:]
        sound = target.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono")
        for turn, first in enumerate(range(0, seconds * FRAMES_PER_SECOND, len(frames))):
            audio = av.AudioFrame.from_ndarray(padded, "s16", "mono")
            audio.sample_rate, audio.pts = SOUND_RATE, turn * num_samples
            target.mux(sound.encode(audio))
            for number, grey in enumerate(frames[:: 1 if turn % 2 == 0 else -1]):
                frame = av.VideoFrame.from_ndarray(grey, "gray")
                frame.pts = first + number
                target.mux(picture.encode(frame))
        target.mux(picture.encode(None))
        target.mux(sound.encode(None))


if __name__ == "__main__":
    main()
