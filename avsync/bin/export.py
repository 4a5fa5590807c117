"""Exports a checkpoint to a folder that scores clips without avsync.

    avsync-export --checkpoint=runs/quickstart --out=scorer
    python scorer/load_scorer.py CROPS.npy WAVEFORM.npy

The folder has one program for CPU, CUDA and TPU (jax.export) with its parameters, a manifest.json,
and a loader that needs only jax, numpy and flatbuffers. It is a checkpoint too: avsync-evaluate and
avsync-score accept it.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, existing, run_binary, suppress_stderr
from avsync.files import require_new

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR, for its best checkpoint, or WORKDIR/checkpoints/STEP.",
    required=True,
)
OUT = flags.DEFINE_string("out", None, "Folder to write; it must be new or empty.", required=True)
WEIGHTS_DTYPE = flags.DEFINE_enum(
    "weights_dtype",
    "float32",
    ["float32", "float16"],
    "Data type of weights.safetensors; the program is float32.",
)
FEATURE_CHANNELS = flags.DEFINE_integer(
    "feature_channels",
    None,
    "Channels per frame and stream, for a model of precomputed features.",
    lower_bound=1,
)


def main(_: list[str]) -> None:
    out = Path(OUT.value).expanduser()
    try:
        require_new(out)
    except ValueError as error:
        raise UsageError(f"--out: {error}") from error
    place = existing(CHECKPOINT.value, "checkpoint")
    with suppress_stderr():  # imported here: --help need not wait for TensorFlow
        from avsync import build, checkpoint, runtime

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
        export = build.make_export(
            workdir, step, num_channels=FEATURE_CHANNELS.value, weights_dtype=WEIGHTS_DTYPE.value
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    program = export(out)
    print(f"exported: {out}, for {', '.join(program.platforms)}")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
