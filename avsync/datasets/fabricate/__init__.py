"""Fakes made from real clips, for evaluation and supervised baselines; one file per manipulation.

`avsync.lookup.load("datasets.fabricate", name)` loads a manipulation by name. All have the same
signature:

    fabricate(clip, donor, rng, **params) -> Clip

`clip` is a real clip, and `donor` another one whose sound may be borrowed. The id of the fake is
`<clip_id>+<manipulation>`; it names its source clip and lists its fake segments in seconds of its
own time. Frames and samples outside these segments are unchanged, byte for byte, or cut off. Every
manipulation takes `donor` and `rng`, so that callers need not know which ones use them.

`leading_silence` is not a manipulation: it plants the shortcut of public datasets in any clip.
"""


class CannotFabricate(ValueError):
    """The manipulation is not possible for this clip: too short, or too little speech.

    Datasets leave out the fake, and count it by `reason`, one of `TOO_SHORT`, `TOO_LITTLE_SPEECH`
    and `NO_DONOR`; the message names the clip and the numbers.
    """

    def __init__(self, message: str, *, reason: str):
        super().__init__(message)
        self.reason = reason


TOO_SHORT = "clip or donor too short"
TOO_LITTLE_SPEECH = "too little speech"
NO_DONOR = "no other clip of its talker"
