"""Reasons for which a raw file is rejected: a closed list, so that they can be counted."""

REASONS = {
    "missing_file": "file not found",
    "empty_file": "the file has no content",
    "not_media": "the file is no video, whatever its name says",
    "playlist": "the file opens other files: a playlist or a list of images",
    "incomplete": "the file is cut off: its index, or more of it than allowed, is missing",
    "damaged": "more frames cannot be decoded than allowed",
    "undecodable": "the file is broken, or no decoder for its codec is available",
    "no_video": "the file has no video",
    "no_audio": "the file has no audio",
    "all_silent": "no audio sample is louder than the silence threshold",
    "length_mismatch": "audio and video differ in length by more than the tolerance",
    "too_short": "video and audio share fewer frames than the minimum",
    "too_long": "the file is longer than the limit",
    "too_large": "a frame has more pixels than the limit",
    "still_picture": "the picture, or the mouth in it, does not move",
    "no_face": "no face was found",
    "face_lost": "the face is seen in too few frames",
    "scene_cut": "scene cuts leave no face for enough frames: cut the file there",
    "wrong_size": "the features differ in size from those of the dataset",
    "failed": "an unexpected error in avsync or a library",
    "crashed": "the worker process died",
    "timed_out": "reading the file exceeded the time limit",
    "out_of_memory": "reading the file exceeded the memory limit",
}


class Reject(Exception):
    """A raw file that cannot become a clip: the `reason`, one of `REASONS`, and the `detail`."""

    def __init__(self, reason: str, detail: str):
        assert reason in REASONS, f"unknown reason {reason!r}; known: {sorted(REASONS)}"
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type["Reject"], tuple[str, str]]:
        """Pickles by these arguments: by default, exceptions are pickled by their message."""
        return type(self), (self.reason, self.detail)
