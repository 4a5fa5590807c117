"""The raw file: formats, tags, rates and sizes, which identify the tool that wrote it; and length.

Each key of the record that preparation makes of a raw file is one shortcut. In LAV-DF the length of
the clip alone ranks fakes with an AUC of 0.63.
"""

from avsync.audits.base import AuditedClip, Shortcut, Value
from avsync.media.probe import KEYS, TEXTS
from avsync.units import FRAMES_PER_SECOND

# These numbers name a setting rather than measure something: they rank nothing, so each value is a
# category. Frame rates of files with uneven timestamps differ in every digit; two decimals suffice.
NOMINAL = {
    "width_pixels",
    "height_pixels",
    "video_frames_per_second",
    "sample_rate_hertz",
    "num_audio_channels",
}

UNITS = {
    "_hertz": "Hz",
    "_pixels": "pixels",
    "_bits_per_second": "bit/s",
    "_bytes_per_second": "byte/s",
    "_frames_per_second": "frames/s",
    "_seconds": "s",
}


def duration(clip: AuditedClip) -> float:
    """Length of the clip in seconds."""
    return clip.num_frames / FRAMES_PER_SECOND


def _shortcut(key: str) -> Shortcut:
    def measure(clip: AuditedClip) -> Value:
        value = clip.media.get(key)
        if key in TEXTS:
            # A missing tag is a category too: it groups all files that were stripped of tags.
            return "none" if value is None and clip.media else value
        if value is None or key not in NOMINAL:
            return None if value is None else float(value)
        return f"{value:.2f}".rstrip("0").rstrip(".")

    unit = next((unit for ending, unit in UNITS.items() if key.endswith(ending)), "")
    return Shortcut(KEYS[key], unit, measure)


SHORTCUTS = {
    "duration": Shortcut("length of the clip", "s", duration),
    **{key: _shortcut(key) for key in KEYS},
}
