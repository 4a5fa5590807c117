"""Scores one clip with the program in this folder, and prints the scores as JSON.

    python load_scorer.py clip.mp4                   pip install 'avsync[prepare]'
    python load_scorer.py CROPS.npy WAVEFORM.npy     pip install jax flatbuffers

manifest.json describes the arrays and how they are made from a video; leave out their axis b.
Sound is moved and leading silence trimmed here if the manifest says so. The whole clip is processed
at once.
"""

import functools
import importlib
import json
import sys
from pathlib import Path

import numpy as np


def main(arguments):
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        manifest = json.loads(Path(__file__).with_name("manifest.json").read_text(encoding="utf-8"))
        if len(arguments) == 1:
            visual, audio = read_video(arguments[0], manifest)
        else:
            visual, audio = map(read_array, arguments)
        scores = score(visual, audio, manifest)
    except (OSError, ValueError) as error:
        print(f"load_scorer.py: {error}", file=sys.stderr)
        return 2
    print(json.dumps({name: array.tolist() for name, array in scores.items()}))
    return 0


def read_video(path, manifest):
    """Crops and waveform of the talking face of a video, by avsync."""
    if manifest["features"] is not None:
        raise ValueError(
            f"this scorer takes features of {manifest['features']['encoder']}, not videos: give "
            "VISUAL.npy AUDIO.npy; with the encoder, avsync-score --weights=ENCODER scores videos"
        )
    if path.endswith(".npy"):
        raise ValueError("one array is not enough: give CROPS.npy WAVEFORM.npy")
    try:
        avsync = importlib.import_module("avsync")
    except ImportError as error:
        raise ValueError(
            f"{error}. Videos are read by avsync: pip install 'avsync[prepare]'; or give "
            "CROPS.npy WAVEFORM.npy"
        ) from error
    clip = avsync.read_clip(path)
    return clip.frames, clip.waveform


def read_array(path):
    """The array in a .npy file; ValueError for any other file. Nothing in it is run."""
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{path} is not a .npy file of numbers") from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path} holds several arrays; save each as a .npy file")
    return array


def score(visual, audio, manifest):
    """The scores by name, of arrays without axis b; ValueError if they are not as described."""
    num_frames = len(visual) if visual.ndim else 0
    sizes = {"t": num_frames, "640*t": 640 * num_frames}
    for array, expected in zip((visual, audio), manifest["inputs"], strict=False):
        shape = [sizes.get(size, size) for size in expected["shape"][1:]]
        if array.dtype != expected["dtype"] or list(array.shape) != shape:
            raise ValueError(
                f"{expected['name']} is {array.dtype} {list(array.shape)}, expected "
                f"{expected['dtype']} {shape} for t = {num_frames} frames; see manifest.json"
            )
    late = manifest["realign"]["late_frames"]
    visual, audio = realigned(visual, audio, late)
    # Features come from sound that is already trimmed.
    if manifest["features"] is None and manifest["trim"]["rule"] == "leading":
        visual, audio = trimmed(visual, audio)
    if not len(visual):
        raise ValueError("the clip has no frames, or no sound")
    program = load(Path(__file__).parent)
    outputs = program(visual[None], audio[None], np.ones((1, len(visual)), bool))
    scores = {name: np.asarray(array)[0] for name, array in outputs.items()}
    return scores | {"offset_frames": scores["offset_frames"] + late}


def realigned(visual, audio, late):
    """The arrays with sound that is `late` frames late (negative: early) moved to its frames."""
    steps = len(audio) // len(visual) if len(visual) else 1  # of sound for each frame
    num_left = max(len(visual) - abs(late), 0)
    visual, audio = visual[max(-late, 0) :], audio[steps * max(late, 0) :]
    return visual[:num_left], audio[: steps * num_left]


def trimmed(visual, audio):
    """The arrays without leading silence and the frame in which sound starts."""
    num_silent = int(np.append(abs(audio.astype(np.int32)) > 16, True).argmax())
    first = num_silent // 640 + 1 if num_silent else 0
    return visual[first:], audio[640 * first :]


def load(folder):
    """The program: (visual, audio, valid) -> scores by name, of batches of any size."""
    import jax.export  # takes a second: wrong arguments are reported first

    artefact = bytearray((folder / "scorer.jaxexport").read_bytes())
    program = jax.jit(jax.export.deserialize(artefact).call)
    return functools.partial(program, jax.device_put(read_params(folder / "model.safetensors")))


def read_params(path):
    """The arrays of a safetensors file in float32, as nested dicts by the parts of their names.

    The file is 8 bytes with the length of a JSON header, the header, and the values of the arrays.
    """
    data = np.memmap(path, np.uint8, "r")
    values = 8 + int(data[:8].view("<u8")[0])
    header = json.loads(data[8:values].tobytes())
    params = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (values + offset for offset in entry["data_offsets"])
        stored = data[start:end].view({"F32": "<f4", "F16": "<f2"}[entry["dtype"]])
        *groups, last = name.split(".")
        group = params
        for key in groups:
            group = group.setdefault(key, {})
        group[last] = stored.reshape(entry["shape"]).astype(np.float32)
    return params


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
