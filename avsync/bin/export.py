"""Exports a checkpoint to a folder that scores clips without avsync.

    avsync-export --checkpoint=runs/quickstart --out=scorer
    avsync-export --checkpoint=runs/avh_align --weights=weights/avhubert --out=scorer
    python scorer/load_scorer.py video.mp4
    python scorer/load_scorer.py CROPS.npy WAVEFORM.npy

The folder has one program for CPU, CUDA and TPU (jax.export), its parameters, a manifest.json
that describes its arrays and how they are made from a video, and an example that needs only jax,
numpy and flatbuffers (and avsync for videos). It is laid out for the Hugging Face Hub, with a model
card, and is a checkpoint too: avsync-evaluate and avsync-score accept it.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin import _model_flags
from avsync.bin.base import UsageError, existing, run_binary, say, suppress_stderr
from avsync.files import require_new

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR, for its best checkpoint, WORKDIR/checkpoints/STEP, or hf://OWNER/NAME.",
    required=True,
)
OUT = flags.DEFINE_string("out", None, "Folder to write; it must be new or empty.", required=True)
WEIGHTS_DTYPE = flags.DEFINE_enum(
    "weights_dtype",
    "float32",
    ["float32", "float16"],
    "Data type of model.safetensors; the parameters of the program are float32.",
)
LICENCE = flags.DEFINE_string(
    "license",
    "other",
    "Licence of the weights in the model card, an identifier of the Hugging Face Hub (cc-by-4.0, "
    "apache-2.0). other: the terms are those of LICENSE.md.",
)
flags.adopt_module_key_flags(_model_flags)


def main(_: list[str]) -> None:
    out = Path(OUT.value).expanduser()
    try:
        require_new(out)
    except ValueError as error:
        raise UsageError(f"--out: {error}") from error
    place, parts = existing(CHECKPOINT.value, "checkpoint"), _model_flags.parts()
    with suppress_stderr():  # imported here: --help need not wait for TensorFlow
        from avsync import build_export, checkpoint, runtime

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
        export = build_export.make_export(
            workdir, step, **parts, weights_dtype=WEIGHTS_DTYPE.value, licence=LICENCE.value
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    program = export(out)
    say(f"exported: {out}, for {', '.join(program.platforms)}")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
