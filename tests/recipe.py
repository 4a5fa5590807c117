"""The commands of the paper's recipe, on a handful of short real clips and a fake."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import av

from tests.conftest import Run
from tests.convert import heads

CLIPS, FEATURES = "folder", "folder_avhubert"

SECONDS = 1.6  # at least 1 s must be left after leading silence is trimmed

# Two clips of each split; the second test clip has the sound of another.
SPLITS = ("train", "train", "val", "val", "test", "test")
REAL, FAKE = "clip4", "clip5"


class Recipe(NamedTuple):
    """The files and folders that the commands wrote.

    published, trained: heads of features, one converted and one trained here.
    whole: `trained` joined with the encoder in `weights`.
    by_features, by_clips: evaluations of both heads on the test split.
    """

    videos: Path
    data_dir: Path
    weights: Path
    published: Path
    trained: Path
    whole: Path
    by_features: Path
    by_clips: Path
    calibration: Path
    scored: Path
    exported: Path


def run_all(root: Path, *, testdata: Path, binary: Run) -> Recipe:
    """Runs the commands of the recipe, each of which must succeed."""
    made = Recipe(*[root / name for name in Recipe._fields])
    made.videos.mkdir()
    manifest = write_clips(testdata / "grid_s1" / "video", made.videos)
    state = heads.random_state(features=128, projection=16, widths=(32, 16, 8))
    head = heads.write(root / "AVH-Align_AV1M.pt", state)
    encoder = testdata / "avhubert_tiny" / "ckpt.pt"
    videos = [str(made.videos / f"{clip}.mkv") for clip in (REAL, FAKE)]

    place, weights = f"--data_dir={made.data_dir}", f"--weights={made.weights}"
    extract = ["extract", "--encoder=avhubert", weights, f"--dataset={CLIPS}", place]
    extract += [f"--out_name={FEATURES}", "--dtype=float32", "--frames_per_batch=100"]
    train = ["train", "--config=avh_align:test", f"--workdir={made.trained}"]
    train += [f"--config.data.dataset={FEATURES}", f"--config.data.data_dir={made.data_dir}"]
    train += ["--config.data.batch_size=2"]
    evaluate = ["evaluate", place, "--batch_size=2"]
    heads_of_features = [f"--checkpoint={made.trained}", f"--also=published={made.published}"]
    whole = f"--checkpoint={made.whole}"
    join = ["convert", "join", f"--encoder={made.weights}", f"--head={made.trained}"]

    # The commands of one step do not need each other.
    steps = [
        [
            ["convert", "avhubert", f"--source={encoder}", f"--out={made.weights}"],
            ["convert", "avh_align", f"--source={head}", f"--out={made.published}"],
            ["prepare", f"--dataset={CLIPS}", f"--source={manifest}", place, "--workers=2"],
        ],
        [[*extract, "--trim=leading"], [*extract, "--trim=none", "--split=test"]],
        [train],
        [
            [*evaluate, *heads_of_features, f"--dataset={FEATURES}", f"--out={made.by_features}"],
            [
                *evaluate, *heads_of_features, weights, f"--dataset={CLIPS}",
                f"--out={made.by_clips}",
            ],
            [*join, f"--out={made.whole}"],
        ],
        [
            [
                *evaluate, whole, f"--dataset={FEATURES}/leading", "--split=val", "--calibrate",
                f"--out={made.calibration}",
            ]
        ],
        [
            ["score", whole, f"--out={made.scored}", *videos],
            ["export", whole, f"--out={made.exported}"],
        ],
    ]  # fmt: skip
    with ThreadPoolExecutor(max_workers=2) as pool:
        for commands in steps:
            for command, done in zip(
                commands, pool.map(lambda command: binary(*command), commands), strict=True
            ):
                assert done.returncode == 0, f"{command}: {done.stderr}"
    return made


def write_clips(source: Path, folder: Path) -> Path:
    """Cuts the first clips in `source` (GRID's .mkv) to `SECONDS`; returns the manifest.

    The clips are `folder`/clip0.mkv to clip5.mkv. Both streams are copied, not encoded again.
    """
    originals = sorted(source.glob("*.mkv"))[: len(SPLITS)]
    rows = [("path", "clip_id", "label", "split")]
    for number, split in enumerate(SPLITS):
        clip_id = f"clip{number}"
        path = folder / f"{clip_id}.mkv"
        is_fake = clip_id == FAKE
        join(path, video=originals[number], sound=originals[0 if is_fake else number])
        rows.append((path.name, clip_id, str(int(is_fake)), split))
    manifest = folder / "clips.csv"
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return manifest


def join(path: Path, *, video: Path, sound: Path) -> None:
    """Writes the first `SECONDS` of one file's video and of another's sound."""
    with av.open(str(path), "w") as out, av.open(str(video)) as one, av.open(str(sound)) as other:
        streams = one.streams.video[0], other.streams.audio[0]
        copies = [out.add_stream_from_template(stream) for stream in streams]
        for container, stream, copy in zip((one, other), streams, copies, strict=True):
            for number, packet in enumerate(container.demux(stream)):
                if packet.pts is None or packet.pts * packet.time_base >= SECONDS:
                    continue
                if packet.dts is None:  # Matroska does not store it for the first packets
                    packet.dts = (number - 2) * 40
                packet.stream = copy
                out.mux(packet)
