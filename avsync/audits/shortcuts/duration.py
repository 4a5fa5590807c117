"""The length of the clip: in LAV-DF it alone ranks fakes with an AUC of 0.63."""

from avsync.audits.base import Shortcut
from avsync.units import FRAMES_PER_SECOND

SHORTCUTS = {
    "duration": Shortcut(
        "length of the clip", "s", lambda clip: clip.num_frames / FRAMES_PER_SECOND
    )
}
