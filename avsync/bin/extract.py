"""Clips through a frozen encoder: features to train on, and to score, without running it again.

    avsync-extract --encoder=avhubert --weights=weights/avhubert --dataset=grid --data_dir=data \\
        --out_name=grid_avhubert --trim=leading

Silence is trimmed from the waveform, before the encoder hears it: extract with --trim=none and with
--trim=leading to evaluate both. Instead of --dataset, files of AVH-Align can be read: --from_roi
(CLIP_roi.mp4 and CLIP.wav), or features, --from_npz. Instead of a dataset, --out_name, files of
features can be written, --to_npz. Killed and run again, it goes on.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, run_binary, suppress_stderr

ENCODER = flags.DEFINE_string("encoder", None, "Its name: avhubert. Features need none.")
WEIGHTS = flags.DEFINE_string("weights", None, "What avsync-convert wrote of its published file.")
DATASET = flags.DEFINE_string("dataset", None, "NAME or NAME/CONFIG, prepared in --data_dir.")
FROM_ROI = flags.DEFINE_string("from_roi", None, "Folder of crops and sounds.")
FROM_NPZ = flags.DEFINE_string("from_npz", None, "Folder of features.")
LIST = flags.DEFINE_multi_string("list", [], "[SPLIT=]FILE.csv of path,label: which files. Repeat.")
SPLIT = flags.DEFINE_list("split", [], "Which splits of --dataset; all by default.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Where datasets lie.")
OUT_NAME = flags.DEFINE_string("out_name", None, "The dataset of features to write there.")
TO_NPZ = flags.DEFINE_string("to_npz", None, "Folder of features to write.")
TRIM = flags.DEFINE_enum("trim", "none", ["none", "leading"], "How sound is, or was, trimmed.")
STREAMS = flags.DEFINE_list("streams", ["visual", "audio"], "And multimodal, if wanted.")
DTYPE = flags.DEFINE_enum("dtype", "bfloat16", ["bfloat16", "float32"], "Of a dataset's features.")
COMPUTE = flags.DEFINE_enum("compute_dtype", "float32", ["bfloat16", "float32"], "Of activations.")
FRAMES = flags.DEFINE_integer("frames_per_batch", 1024, "At once, on each device.", lower_bound=1)


def main(_: list[str]) -> None:
    with suppress_stderr():  # and not at the top: --help need not wait for TensorFlow
        from avsync import build, runtime
        from avsync.features import inputs, job
        from avsync.features.encode import Encoder

        runtime.start()
    place = {"data_dir": DATA_DIR.value, "out_name": OUT_NAME.value, "to_npz": TO_NPZ.value}
    try:
        asked = inputs.find(
            dataset=DATASET.value,
            splits=SPLIT.value,
            from_roi=FROM_ROI.value,
            from_npz=FROM_NPZ.value,
            lists=LIST.value,
            data_dir=DATA_DIR.value,
            trim=TRIM.value,
        )
        encoder, extraction = None, asked.extraction
        if extraction:
            sink = inputs.open_sink(asked, extraction, dtype=DTYPE.value, **place)
        else:
            made = build.make_extractor(
                Path(WEIGHTS.value or "").expanduser(),
                encoder=ENCODER.value or "",
                streams=tuple(STREAMS.value),
                dtype=COMPUTE.value,
                trim=TRIM.value,
            )
            extraction = made.extraction
            sink = inputs.open_sink(asked, extraction, dtype=DTYPE.value, **place)
            encoder = Encoder(made, frames_per_batch=FRAMES.value, dtype=sink.dtype)
    except ValueError as error:
        raise UsageError(str(error)) from error
    num_rejects = job.extract(asked.works, sink, encoder=encoder, extraction=extraction)
    runtime.announce(f"extracted: {sink.directory}, {num_rejects} rejected")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
