"""Every face of a film, its mouth cropped while the film is read."""

from array import array
from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8

from avsync.media.crop_store import CropStore
from avsync.media.faces import Box, Face, Points, see_faces
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import SMOOTHING_FRAMES, crop_mouths, fill_missing
from avsync.media.tracks import MAX_UNSEEN_FRAMES, Linker, mouth_openings


class MouthTrack:
    """A face from the first frame that shows it to the last one, with nothing missing between.

    Attributes:
      first: index of its first frame.
      places: in the store, of the crop of each of its frames.
      boxes: of the face, where it was seen.
      openings: of the mouth in those frames, in distances between the eyes.
    """

    def __init__(self, first: int):
        self.first = first
        self.places = array("q")
        self.boxes: list[Box] = []
        self.openings = array("d")
        # Of the frames that are not cropped yet, and of one more.
        self._landmarks: list[Points] = []

    @property
    def next_frame(self) -> int:
        """Index of the first of its frames that is not cropped yet."""
        return self.first + len(self.places)

    @property
    def last_seen(self) -> int:
        """Index of the last frame that shows it."""
        return self.next_frame + len(self._landmarks) - 1

    @property
    def seen_share(self) -> float:
        """Part of its frames in which it was seen, not interpolated."""
        return len(self.boxes) / (self.last_seen - self.first + 1)

    @property
    def mouth_motion(self) -> float:
        """How much the mouth opens and closes, as `avsync.media.tracks.mouth_motion`."""
        return float(np.std(self.openings))

    def see(self, index: int, face: Face) -> None:
        """Frame `index` shows it; frames come in order."""
        if self._landmarks:
            num_missing = index - self.last_seen - 1
            between = np.full((num_missing + 2, 68, 2), np.nan)
            between[0], between[-1] = self._landmarks[-1], face.landmarks
            self._landmarks += list(fill_missing(between)[1:-1])
        self._landmarks.append(face.landmarks)
        self.boxes.append(face.box)
        self.openings.extend(mouth_openings(face.landmarks[None]))

    def crop(
        self, frames: list[UInt8[np.ndarray, "h w"]], store: CropStore, *, num_held_back: int
    ) -> None:
        """Crops all but the last `num_held_back` of its frames; `frames` begin at `next_frame`."""
        num_ready = len(self._landmarks) - num_held_back
        if num_ready > 0:
            crops = crop_mouths(frames[:num_ready], np.stack(self._landmarks))
            self.places.extend(store.add(crops))
            self._landmarks = self._landmarks[num_ready:]


def crop_tracks(
    frames: Iterable[UInt8[np.ndarray, "h w"]], detector: FaceDetector, *, store: CropStore
) -> list[MouthTrack]:
    """All faces of these frames in the order of their coming; their crops go to `store`.

    Only as many frames are held as a face may be out of sight and smoothing looks ahead. The crops
    of a face are those of `crop_mouths` on all of its frames at once.
    """
    linker = Linker()
    live: dict[int, MouthTrack] = {}
    done: list[MouthTrack] = []
    held: list[UInt8[np.ndarray, "h w"]] = []
    num_dropped, index = 0, 0
    for run in see_faces(frames, detector):
        held += [seen.frame for seen in run]
        for seen in run:
            for number, face in zip(linker.link(index, seen), seen.faces, strict=True):
                live.setdefault(number, MouthTrack(index)).see(index, face)
            index += 1
        for number, track in list(live.items()):
            ahead = held[track.next_frame - num_dropped :]
            if index - track.last_seen > MAX_UNSEEN_FRAMES:
                track.crop(ahead, store, num_held_back=0)
                done.append(live.pop(number))
            else:
                track.crop(ahead, store, num_held_back=SMOOTHING_FRAMES)
        num_needless = min([track.next_frame for track in live.values()], default=index)
        held, num_dropped = held[num_needless - num_dropped :], num_needless
    for track in live.values():
        track.crop(held[track.next_frame - num_dropped :], store, num_held_back=0)
    return sorted([*done, *live.values()], key=lambda track: track.first)
