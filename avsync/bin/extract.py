"""Extracts features from clips with a frozen encoder, for training and evaluation of heads.

    avsync-extract --encoder=avhubert --weights=weights/avhubert --dataset=grid --data_dir=data \\
        --out_name=grid_avhubert --trim=leading

Silence is trimmed from the waveform before the encoder: to evaluate both views, extract once with
--trim=none and once with --trim=leading. Input is a dataset (--dataset), AVH-Align's pairs
CLIP_roi.mp4 and CLIP.wav (--from_roi), or its feature files (--from_npz). Output is a dataset
(--out_name) or feature files (--to_npz). An interrupted job resumes when it is run again.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, run_binary, suppress_stderr

DTYPES = ["bfloat16", "float32"]

ENCODER = flags.DEFINE_string("encoder", None, "Name of the encoder: avhubert. Not for --from_npz.")
WEIGHTS = flags.DEFINE_string("weights", None, "Checkpoint of the encoder, from avsync-convert.")
DATASET = flags.DEFINE_string("dataset", None, "Input: dataset NAME or NAME/CONFIG in --data_dir.")
FROM_ROI = flags.DEFINE_string("from_roi", None, "Input: folder of CLIP_roi.mp4 and CLIP.wav.")
FROM_NPZ = flags.DEFINE_string("from_npz", None, "Input: folder of CLIP.npz feature files.")
LIST = flags.DEFINE_multi_string("list", [], "[SPLIT=]FILE.csv with path,label: the clips to use.")
SPLIT = flags.DEFINE_list("split", [], "Splits of --dataset, separated by commas. Default: all.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder or address of prepared datasets.")
OUT_NAME = flags.DEFINE_string("out_name", None, "Output: name of the feature dataset.")
OUT_DIR = flags.DEFINE_string("out_dir", None, "Folder of --out_name. Default: --data_dir.")
TO_NPZ = flags.DEFINE_string("to_npz", None, "Output: folder of CLIP.npz feature files.")
TRIM = flags.DEFINE_enum("trim", "none", ["none", "leading"], "How silence is trimmed, or was.")
STREAMS = flags.DEFINE_list("streams", ["visual", "audio"], "Any of visual,audio,multimodal.")
DTYPE = flags.DEFINE_enum("dtype", "bfloat16", DTYPES, "Type of stored features.")
COMPUTE = flags.DEFINE_enum("compute_dtype", "float32", DTYPES, "Type of encoders' activations.")
FORMAT = flags.DEFINE_string("file_format", "tfrecord", "Of --out_name: tfrecord or array_record.")
FRAMES = flags.DEFINE_integer("frames_per_batch", 1024, "Frames per device and batch.", 1)


def main(_: list[str]) -> None:
    with suppress_stderr():  # not at the top: --help must not wait for TensorFlow
        from avsync import build, runtime
        from avsync.features import inputs, job
        from avsync.features.extractor import FeatureExtractor

        runtime.start()
    files = {"from_roi": FROM_ROI.value, "from_npz": FROM_NPZ.value, "lists": LIST.value}
    dataset = {"dataset": DATASET.value, "splits": SPLIT.value, "data_dir": DATA_DIR.value}
    output = {"out_name": OUT_NAME.value, "to_npz": TO_NPZ.value, "dtype": DTYPE.value}
    output["file_format"] = FORMAT.value
    try:
        out_dir = inputs.output_folder(OUT_DIR.value or DATA_DIR.value, OUT_NAME.value)
        found = inputs.find(**dataset, **files, trim=TRIM.value)
        extractor, encoder, extraction = None, None, found.extraction
        if extraction is None:
            if not (ENCODER.value and WEIGHTS.value):
                raise UsageError("--encoder and --weights are required, except with --from_npz")
            encoder = build.make_extractor(
                Path(WEIGHTS.value).expanduser(),
                encoder=ENCODER.value,
                streams=tuple(STREAMS.value),
                dtype=COMPUTE.value,
                trim=TRIM.value,
            )
            extraction = encoder.extraction
        sink = inputs.open_sink(found, extraction, data_dir=out_dir, **output)
        if encoder is not None:
            extractor = FeatureExtractor(encoder, frames_per_batch=FRAMES.value, dtype=sink.dtype)
    except ValueError as error:
        raise UsageError(str(error)) from error
    num_rejects = job.extract(found.tasks, sink, extractor=extractor, extraction=extraction)
    runtime.announce(f"extracted: {sink.directory}, {num_rejects} rejected")


run = functools.partial(run_binary, main, read={"data_dir"})

if __name__ == "__main__":
    run()
