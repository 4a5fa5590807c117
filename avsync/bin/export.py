"""A checkpoint to a folder that scores clips where nothing of avsync is installed.

    avsync-export --checkpoint=runs/quickstart --out=scorer
    python scorer/load_scorer.py CROPS.npy WAVEFORM.npy

The folder holds one program for CPU, CUDA and TPU (jax.export) with its parameters inside, its
manifest.json, and a loader that needs jax, numpy and flatbuffers alone. It is a checkpoint too:
avsync-evaluate and avsync-score take it.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, existing, run_binary, suppress_stderr
from avsync.files import require_new

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR (its best one) or WORKDIR/checkpoints/STEP.", required=True
)
OUT = flags.DEFINE_string("out", None, "The folder to write; a new or an empty one.", required=True)
WEIGHTS_DTYPE = flags.DEFINE_enum(
    "weights_dtype", "float32", ["float32", "float16"], "Of weights.safetensors."
)
FEATURE_CHANNELS = flags.DEFINE_integer(
    "feature_channels", None, "Of a model of features: how many a frame and stream.", lower_bound=1
)


def main(_: list[str]) -> None:
    out = Path(OUT.value).expanduser()
    try:
        require_new(out)
    except ValueError as error:
        raise UsageError(f"--out: {error}") from error
    place = existing(CHECKPOINT.value, "checkpoint")
    with suppress_stderr():  # and not at the top: --help need not wait for TensorFlow
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
