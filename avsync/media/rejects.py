"""Why a raw file does not become a clip: a closed list of reasons, so that they can be counted."""

REASONS = {
    "missing_file": "there is no such file",
    "undecodable": "the file is broken, or of a kind that cannot be read",
    "no_video": "it holds no moving picture",
    "no_audio": "it holds no sound",
    "all_silent": "no sample of the sound is louder than the silence threshold",
    "length_mismatch": "sound and picture differ in length by more than the tolerance",
    "too_short": "less than the least number of frames has both sound and picture",
    "too_long": "the picture does not fit the memory set aside for a clip",
    "no_face": "no face was found",
    "face_lost": "the face is seen in too few of the frames",
    "wrong_size": "its features have other sizes than those of the dataset",
    "failed": "an error that no rule foresees: a defect of avsync or of a library",
    "crashed": "the process that prepared it died",
    "timed_out": "preparing it took longer than a clip may",
    "out_of_memory": "preparing it took more memory than a clip may",
}


class Reject(Exception):
    """A raw file that cannot become a clip: the `reason`, one of `REASONS`, and what was seen."""

    def __init__(self, reason: str, detail: str):
        assert reason in REASONS, f"{reason!r} is no reason of {sorted(REASONS)}"
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type["Reject"], tuple[str, str]]:
        """Exceptions travel between processes by their arguments; these are not the message."""
        return type(self), (self.reason, self.detail)
