"""CPU cost of preparing a clip, stage by stage, for each way to find faces.

    python tests/benchmarks/preparation.py --source ../shared/testdata/grid_s1/video
    python tests/benchmarks/preparation.py --source ../shared/testdata/grid_speakers --num_clips=11

CPU seconds per clip, the fastest of several rounds in which the detectors alternate: `facemesh`;
`trees68`; its HOG detector and landmarks by dlib itself in every frame; and `dlib68`, which
searches every frame at twice its size, as AV-HuBERT's preprocessing does. Then the distance of the
mouth's centre from that of `dlib68`, in pixels, and the difference of the crops.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from avsync.media.crop_store import open_store
from avsync.media.landmarks import dlib68, facemesh, trees68
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import MOUTH_POINTS, fill_missing
from avsync.media.tracks import crop_tracks, talking_track
from avsync.preparation import store
from avsync.preparation.clips import prepare_clip
from avsync.types import Clip, MediaFile
from avsync.units import SAMPLES_PER_FRAME
from tests.media.whole_files import decode, landmarks_of_faces, seen_frames

Result = TypeVar("Result")

STAGES = ("decode", "search", "landmarks", "track and crop", "store")


class EveryFrame(dlib68.Detector):
    """dlib in every frame, at its own size."""

    def boxes(self, frame: np.ndarray) -> np.ndarray:
        found = self._detect(frame, 0)
        boxes = [(face.left(), face.top(), face.right(), face.bottom()) for face in found]
        return np.array(boxes, np.float64).reshape(-1, 4)


DETECTORS: dict[str, Callable[[], FaceDetector]] = {
    "facemesh": facemesh.Detector,
    "trees68": trees68.Detector,
    "dlib in every frame": EveryFrame,
    "dlib68": dlib68.Detector,
}


class Timed:
    """A detector that measures the CPU seconds of its two tasks."""

    def __init__(self, detector: FaceDetector):
        self._detector = detector
        self.detect_every = detector.detect_every
        self.seconds = {"search": 0.0, "landmarks": 0.0}

    def boxes(self, frame: np.ndarray) -> np.ndarray:
        boxes, seconds = timed(lambda: self._detector.boxes(frame))
        self.seconds["search"] += seconds
        return boxes

    def landmarks(self, frames: Sequence[np.ndarray], boxes: np.ndarray) -> np.ndarray:
        points, seconds = timed(lambda: self._detector.landmarks(frames, boxes))
        self.seconds["landmarks"] += seconds
        return points


class Prepared(NamedTuple):
    """A prepared clip, and the CPU seconds of each of `STAGES`."""

    landmarks: np.ndarray  # float [t 68 2]
    num_missed: int
    crops: np.ndarray
    seconds: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True, help="folder of videos")
    parser.add_argument("--num_clips", type=int, default=5)
    parser.add_argument("--num_frames", type=int, default=1000, help="at most, per clip")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args(arguments)
    paths = sorted(path for path in args.source.iterdir() if path.is_file())
    paths = paths[:: max(1, len(paths) // args.num_clips)][: args.num_clips]
    detectors = {name: make() for name, make in DETECTORS.items()}
    warm_up(paths[0], detectors["trees68"])
    seconds = {name: {stage: 0.0 for stage in STAGES} for name in detectors}
    compared: dict[str, list[tuple[Prepared, Prepared]]] = {name: [] for name in detectors}
    for path in paths:
        best = fastest_of(path, detectors, num_frames=args.num_frames, rounds=args.rounds)
        for name, prepared in best.items():
            compared[name].append((prepared, best["dlib68"]))
            for stage in STAGES:
                seconds[name][stage] += prepared.seconds[stage] / len(paths)
    print(f"{len(paths)} clips of {args.source}, load average {os.getloadavg()[0]:.1f}")
    print_costs(seconds)
    print_distances(compared)


def fastest_of(
    path: Path, detectors: dict[str, FaceDetector], *, num_frames: int, rounds: int
) -> dict[str, Prepared]:
    """The clip as each detector prepares it, with the least seconds of each stage."""
    best: dict[str, Prepared] = {}
    for _ in range(rounds):
        for name, detector in detectors.items():
            prepared = prepare(path, detector, num_frames=num_frames)
            for stage, before in (best[name].seconds if name in best else {}).items():
                prepared.seconds[stage] = min(prepared.seconds[stage], before)
            best[name] = prepared
    return best


def prepare(path: Path, detector: FaceDetector, *, num_frames: int) -> Prepared:
    recording, decode_seconds = timed(lambda: decode(path))
    frames, clock = recording.frames[:num_frames], Timed(detector)
    with open_store() as crop_store:
        tracks, face_seconds = timed(lambda: crop_tracks(iter(frames), clock, store=crop_store))
        track = talking_track(tracks)
        crops, read_seconds = timed(lambda: crop_store.read(track.places))
    assert len(crops) == len(frames), f"{path}: the face must be seen from first to last frame"
    clip = Clip("clip", crops, recording.waveform[: len(crops) * SAMPLES_PER_FRAME])
    with tempfile.TemporaryDirectory() as folder:
        _, store_seconds = timed(lambda: store.save(clip, Path(folder), file_name="clip.npz"))
    landmarks = max(landmarks_of_faces(frames, detector), key=lambda face: len(seen_frames(face)))
    return Prepared(
        fill_missing(landmarks),
        len(frames) - len(track.boxes),
        crops,
        {
            "decode": decode_seconds,
            **clock.seconds,
            "track and crop": face_seconds - sum(clock.seconds.values()) + read_seconds,
            "store": store_seconds,
        },
    )


def warm_up(path: Path, detector: FaceDetector) -> None:
    """Runs the compilation, which is not measured."""
    prepare_clip(MediaFile("clip", path), detector=detector)


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """The result of the work, and its CPU seconds in all threads."""
    since = time.process_time()
    return work(), time.process_time() - since


def print_costs(seconds: dict[str, dict[str, float]]) -> None:
    table = Table("CPU seconds per clip", *STAGES, "all", "faces")
    ours, our_faces = (costs(seconds["trees68"])[name] for name in ("all", "faces"))
    for name, stages in seconds.items():
        total, faces = (costs(stages)[part] for part in ("all", "faces"))
        table.add_row(
            name,
            *(f"{stages[stage]:.3f}" for stage in STAGES),
            f"{total:.3f} ({total / ours:.1f} x)",
            f"{faces:.3f} ({faces / our_faces:.1f} x)",
        )
    Console(width=120).print(table)


def costs(stages: dict[str, float]) -> dict[str, float]:
    """The sum of all stages, and of those of the detector."""
    faces = sum(stages[stage] for stage in ("search", "landmarks"))
    return {"all": sum(stages.values()), "faces": faces}


def print_distances(compared: dict[str, list[tuple[Prepared, Prepared]]]) -> None:
    table = Table(
        "against dlib68", "mouth, px: mean", "95 %", "most", "missed", "crops, grey levels"
    )
    for name, pairs in compared.items():
        distances = np.concatenate([mouth(one) - mouth(other) for one, other in pairs])
        distances = np.linalg.norm(distances, axis=1)
        differences = [np.abs(one.crops - other.crops.astype(float)).mean() for one, other in pairs]
        table.add_row(
            name,
            f"{distances.mean():.2f}",
            f"{np.percentile(distances, 95):.2f}",
            f"{distances.max():.2f}",
            str(sum(one.num_missed for one, _ in pairs)),
            f"{np.mean(differences):.2f}",
        )
    Console(width=120).print(table)


def mouth(prepared: Prepared) -> np.ndarray:
    """The centre of the mouth, float [t 2]."""
    return prepared.landmarks[:, MOUTH_POINTS].mean(axis=1)


if __name__ == "__main__":
    main()
