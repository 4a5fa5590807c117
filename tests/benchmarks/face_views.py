"""Compares the default detector with `dlib68` where faces are hard to see.

    python tests/benchmarks/face_views.py --source ../shared/testdata/grid_speakers

Each clip as it is, and seen from the side, in the dark, in noise, from afar and shaken: distance of
the mouth's centre from that of `dlib68`, in pixels, in the frames where both see the face; number
of frames that either misses; and difference of the crops, in grey levels.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from avsync.media.landmarks import dlib68, trees68
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import MOUTH_POINTS, crop_mouths, fill_missing
from tests.media.whole_files import decode, landmarks_of_faces, seen_frames

# Rotation of the image about its vertical axis, and the distance of the viewer.
YAW_DEGREES = 35
DISTANCE_WIDTHS = 2

SMALL_FACE_SHARE = 60 / 125  # of GRID's faces, which are about 125 pixels wide


def from_the_side(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:]
    yaw, distance = np.radians(YAW_DEGREES), DISTANCE_WIDTHS * width
    x = np.arange(width) - width / 2
    # x shows the point u of the rotated image: x = u cos / (1 + u sin / distance).
    u = x / (np.cos(yaw) - x * np.sin(yaw) / distance)
    scale = 1 + u * np.sin(yaw) / distance
    rows = height / 2 + (np.arange(height) - height / 2)[:, None] * scale
    places = [rows, np.broadcast_to(u + width / 2, rows.shape)]
    return each(frames, lambda frame: np.asarray(ndimage.map_coordinates(frame, places, order=1)))


def in_the_dark(frames: np.ndarray) -> np.ndarray:
    return frames // 4


def in_noise(frames: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 20, frames.shape)
    return (frames + noise).clip(0, 255).astype(np.uint8)


def from_afar(frames: np.ndarray) -> np.ndarray:
    return each(frames, lambda frame: np.asarray(ndimage.zoom(frame, SMALL_FACE_SHARE, order=1)))


def shaken(frames: np.ndarray) -> np.ndarray:
    """Shifted left and right by 40 pixels, three times in two seconds."""
    shifts = np.round(40 * np.sin(np.arange(len(frames)) * 2 * np.pi * 1.5 / 25)).astype(int)
    return np.stack([np.roll(f, shift, axis=1) for f, shift in zip(frames, shifts, strict=True)])


VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda frames: frames,
    f"from the side, {YAW_DEGREES} degrees": from_the_side,
    "in the dark, a quarter": in_the_dark,
    "in noise, 20 grey levels": in_noise,
    "from afar, 60 pixels": from_afar,
    "shaken, 40 pixels at 1.5 Hz": shaken,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True, help="folder of videos")
    parser.add_argument("--num_clips", type=int, default=4)
    parser.add_argument("--num_frames", type=int, default=1000, help="at most, per clip")
    args = parser.parse_args(arguments)
    paths = sorted(path for path in args.source.iterdir() if path.is_file())
    paths = paths[:: max(1, len(paths) // args.num_clips)][: args.num_clips]
    clips = [decode(path).frames[: args.num_frames] for path in paths]
    ours, reference = trees68.Detector(), dlib68.Detector()
    missed = ("missed by trees68", "by dlib68")
    table = Table("view", "frames", "mouth, px: mean", "95 %", "most", *missed, "crops, grey")
    for name, view in VIEWS.items():
        table.add_row(name, *compare([view(frames) for frames in clips], ours, reference))
    Console(width=120).print(table)


def compare(clips: list[np.ndarray], ours: FaceDetector, reference: FaceDetector) -> list[str]:
    distances, differences, num_missed = [np.zeros(0)], [], np.zeros(2, int)
    for frames in clips:
        here, there = landmarks(frames, ours), landmarks(frames, reference)
        seen, expected = (~np.isnan(points[:, 0, 0]) for points in (here, there))
        num_missed += (np.sum(~seen), np.sum(~expected))
        apart = (here - there)[seen & expected][:, MOUTH_POINTS].mean(axis=1)
        distances.append(np.linalg.norm(apart, axis=1))
        if seen.any() and expected.any():
            one, other = (crop_mouths(frames, fill_missing(x)).astype(float) for x in (here, there))
            differences.append(np.abs(one - other)[seen & expected].mean())
    all_distances = np.concatenate(distances)
    if not len(all_distances):
        all_distances = np.array([np.nan])
    numbers = (all_distances.mean(), np.percentile(all_distances, 95), all_distances.max())
    return [
        str(sum(len(frames) for frames in clips)),
        *(f"{number:.2f}" for number in numbers),
        *(str(number) for number in num_missed),
        f"{np.mean(differences or [np.nan]):.2f}",
    ]


def landmarks(frames: np.ndarray, detector: FaceDetector) -> np.ndarray:
    """Landmarks of the face seen most, float [t 68 2]; NaN where it is not seen."""
    nothing = np.full((len(frames), 68, 2), np.nan)
    faces = landmarks_of_faces(frames, detector)
    return max(faces, key=lambda face: len(seen_frames(face)), default=nothing)


def each(frames: np.ndarray, work: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.stack([work(frame) for frame in frames])


if __name__ == "__main__":
    main()
