"""Compares detectors where faces are hard to see.

    python tests/benchmarks/face_views.py --source ../shared/testdata/grid_speakers

Each clip as it is, and in the dark, in noise, from afar, shaken, rolled, turned to the side, and
with a mask over mouth and nose that moves with the face. For each detector: frames in which it
misses the face, and how far the centre of the mouth is from where the same detector sees it in the
clip as it is, moved along with the view. In pixels of the view; a face of GRID is 125 pixels wide.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import ndimage
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

from avsync.media.landmarks import dlib68, facemesh, trees68
from avsync.media.landmarks._mediapipe import Network, Square
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import MOUTH_POINTS, fill_missing
from tests.media.whole_files import decode, landmarks_of_faces, seen_frames

DETECTORS: dict[str, Callable[[], FaceDetector]] = {
    "facemesh": facemesh.Detector,
    "trees68": trees68.Detector,
    "dlib68": dlib68.Detector,
}

GRID_FACE_PIXELS = 125

# From the bridge of the nose down to the chin, along the cheeks: iBUG 300-W.
MASK_POINTS = [*range(2, 15), 28]


class Clip(NamedTuple):
    """A clip as it is, and the face in it."""

    frames: np.ndarray  # uint8 [t h w]
    landmarks: np.ndarray  # float [t 68 2], of `dlib68`
    depth: np.ndarray  # float [h w]: distance from the plane of the chin, towards the camera


class View(NamedTuple):
    """What is seen of a clip, and where: places x + iy of a frame become `move(frame, places)`."""

    frames: np.ndarray
    move: Callable[[int, np.ndarray], np.ndarray]


def unmoved(frames: np.ndarray) -> View:
    return View(frames, lambda _, places: places)


def darkened(clip: Clip, factor: int) -> View:
    return unmoved(clip.frames // factor)


def noisy(clip: Clip) -> View:
    noise = np.random.default_rng(0).normal(0, 20, clip.frames.shape)
    return unmoved((clip.frames + noise).clip(0, 255).astype(np.uint8))


def from_afar(clip: Clip, face_pixels: int) -> View:
    """In the middle of a frame as large as the clip's own."""
    _, height, width = clip.frames.shape
    share = face_pixels / GRID_FACE_PIXELS
    corner = (1 - share) / 2 * (width - 1 + (height - 1) * 1j)

    def shrunk(frame: np.ndarray) -> np.ndarray:
        # Each pixel is the mean of those in it.
        smooth = ndimage.uniform_filter(frame, round(1 / share))
        offset = -corner / share
        return ndimage.affine_transform(
            smooth, [1 / share] * 2, (offset.imag, offset.real), order=1, cval=90
        )

    return View(each(clip.frames, shrunk), lambda _, places: corner + share * places)


def shaken(clip: Clip) -> View:
    """Shifted left and right by 40 pixels, three times in two seconds."""
    shifts = np.round(40 * np.sin(np.arange(len(clip.frames)) * 2 * np.pi * 1.5 / 25)).astype(int)
    pairs = zip(clip.frames, shifts, strict=True)
    return View(
        np.stack([np.roll(frame, shift, axis=1) for frame, shift in pairs]),
        lambda index, places: places + shifts[index],
    )


def rolled(clip: Clip, degrees: float) -> View:
    """Rotated clockwise about the middle of the frame."""
    _, height, width = clip.frames.shape
    middle, turn = (width - 1 + (height - 1) * 1j) / 2, np.exp(1j * np.radians(degrees))
    rows, columns = np.mgrid[:height, :width]
    source = (columns + 1j * rows - middle) / turn + middle
    return View(
        each(clip.frames, lambda frame: sampled(frame, source)),
        lambda _, places: (places - middle) * turn + middle,
    )


def turned(clip: Clip, degrees: float) -> View:
    """The face as a relief, turned about a vertical axis behind it; what it hides is not seen."""
    _, height, width = clip.frames.shape
    angle = np.radians(degrees)
    face = clip.landmarks.mean(axis=(0, 1))
    # Half as finely again, so that a stretched surface has no holes.
    rows, columns = np.mgrid[: height - 1 : 0.5, : width - 1 : 0.5]
    near = sampled(clip.depth, columns + 1j * rows)
    across = face[0] + (columns - face[0]) * np.cos(angle) - near * np.sin(angle)
    towards = (columns - face[0]) * np.sin(angle) + near * np.cos(angle)
    at_column, at_row = np.rint(across).astype(int), np.rint(rows).astype(int)
    is_inside = (at_column >= 0) & (at_column < width)
    order = np.argsort(towards[is_inside])  # the nearest is painted last
    target = (at_row[is_inside][order], at_column[is_inside][order])

    def painted(frame: np.ndarray) -> np.ndarray:
        picture = np.full((height, width), 90, np.uint8)
        picture[target] = sampled(frame, columns + 1j * rows)[is_inside][order]
        return picture

    def move(_: int, places: np.ndarray) -> np.ndarray:
        x = face[0] + (places.real - face[0]) * np.cos(angle)
        return x - sampled(clip.depth, places) * np.sin(angle) + 1j * places.imag

    return View(each(clip.frames, painted), move)


def masked(clip: Clip) -> View:
    """A light mask with folds, as those of surgeons."""
    frames = clip.frames.copy()
    rows, columns = np.mgrid[: frames.shape[1], : frames.shape[2]]
    for frame, landmarks in zip(frames, clip.landmarks, strict=True):
        corners = landmarks[MASK_POINTS]
        top = corners[:, 1].min()
        frame[is_within(corners, columns, rows)] = 190
        folds = is_within(corners, columns, rows) & ((rows - int(top)) % 14 < 2)
        frame[folds] = 150
    return unmoved(frames)


VIEWS: dict[str, Callable[[Clip], View]] = {
    "as it is": lambda clip: unmoved(clip.frames),
    "in the dark, a quarter": lambda clip: darkened(clip, 4),
    "in the dark, a sixteenth": lambda clip: darkened(clip, 16),
    "in noise, 20 grey levels": noisy,
    "from afar, 60 pixels": lambda clip: from_afar(clip, 60),
    "from afar, 30 pixels": lambda clip: from_afar(clip, 30),
    "shaken, 40 pixels at 1.5 Hz": shaken,
    "rolled, 20 degrees": lambda clip: rolled(clip, 20),
    "turned, 30 degrees": lambda clip: turned(clip, 30),
    "turned, 60 degrees": lambda clip: turned(clip, 60),
    "masked": masked,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True, help="folder of videos")
    parser.add_argument("--num_clips", type=int, default=4)
    parser.add_argument("--num_frames", type=int, default=1000, help="at most, per clip")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each view")
    args = parser.parse_args(arguments)
    paths = sorted(path for path in args.source.iterdir() if path.is_file())
    paths = paths[:: max(1, len(paths) // args.num_clips)][: args.num_clips]
    clips = [clip_of(decode(path).frames[: args.num_frames]) for path in paths]
    detectors = {name: make() for name, make in DETECTORS.items()}
    known = {
        name: [landmarks_of(clip.frames, detector) for clip in clips]
        for name, detector in detectors.items()
    }
    columns = [f"{name}: {what}" for name in detectors for what in ("missed", "px", "95 %")]
    table = Table("view", "frames", *columns)
    for title, view in VIEWS.items():
        seen = [view(clip) for clip in clips]
        if args.pictures:
            save(seen[0].frames[-1], args.pictures / f"{title}.png")
        cells = [
            cell
            for name, detector in detectors.items()
            for cell in compare(seen, known[name], detector)
        ]
        table.add_row(title, str(sum(len(each.frames) for each in seen)), *cells)
    Console(width=160).print(table)


def clip_of(frames: np.ndarray) -> Clip:
    (box,) = facemesh.Detector().boxes(frames[0])
    left, top, right, bottom = box.tolist()
    square = Square((left + right) / 2 + (top + bottom) / 2 * 1j, 1.5 * max(box[2:] - box[:2]))
    network = Network(facemesh.MODEL, detector="facemesh")
    points = network(frames[0], square, scale=1 / 255, shift=0.0)[0].reshape(-1, 3)
    places = network.in_frame(points[:, 0] + 1j * points[:, 1], square)
    near = -points[:, 2] * square.side / network.num_pixels
    corners = np.stack([places.real, places.imag], axis=-1)
    rows, columns = np.mgrid[: frames.shape[1], : frames.shape[2]]
    depth = LinearNDInterpolator(corners, near)(columns, rows)
    beyond = NearestNDInterpolator(corners, near)(columns, rows)
    depth = ndimage.gaussian_filter(np.where(np.isnan(depth), beyond, depth), 1)
    return Clip(frames, fill_missing(landmarks_of(frames, dlib68.Detector())), depth)


def compare(
    seen: list[View], known: list[np.ndarray], detector: FaceDetector
) -> tuple[str, str, str]:
    """Frames without the face, and the mean and the 95th percentile of the distance."""
    distances, num_missed = [np.zeros(0)], 0
    for view, expected in zip(seen, known, strict=True):
        found = mouths(landmarks_of(view.frames, detector))
        expected = mouths(expected)
        expected = np.concatenate(
            [view.move(index, expected[[index]]) for index in range(len(expected))]
        )
        is_seen = ~np.isnan(found)
        num_missed += int(np.sum(~is_seen))
        distances.append(np.abs(found - expected)[is_seen & ~np.isnan(expected)])
    apart = np.concatenate(distances)
    if not len(apart):
        return str(num_missed), "-", "-"
    return str(num_missed), f"{apart.mean():.2f}", f"{np.percentile(apart, 95):.2f}"


def mouths(landmarks: np.ndarray) -> np.ndarray:
    x, y = landmarks[:, MOUTH_POINTS].mean(axis=1).T
    return x + 1j * y


def landmarks_of(frames: np.ndarray, detector: FaceDetector) -> np.ndarray:
    """Landmarks of the face seen most, float [t 68 2]; NaN where it is not seen."""
    nothing = np.full((len(frames), 68, 2), np.nan)
    faces = landmarks_of_faces(frames, detector)
    return max(faces, key=lambda face: len(seen_frames(face)), default=nothing)


def sampled(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The picture at places x + iy; the edge is repeated."""
    where = [np.nan_to_num(places.imag), np.nan_to_num(places.real)]
    return np.asarray(ndimage.map_coordinates(picture, where, order=1, mode="nearest"))


def is_within(corners: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which of these points are in the polygon: a ray from them crosses its sides an odd time."""
    inside = np.zeros(columns.shape, bool)
    for (x, y), (x_end, y_end) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        if y != y_end:
            is_beside = (rows < y) != (rows < y_end)
            inside ^= is_beside & (columns < x + (rows - y) * (x_end - x) / (y_end - y))
    return inside


def save(frame: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    from matplotlib import image

    image.imsave(path, frame, cmap="gray", vmin=0, vmax=255)


def each(frames: np.ndarray, work: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.stack([work(frame) for frame in frames])


if __name__ == "__main__":
    main()
