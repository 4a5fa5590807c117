"""The raw file: formats, tags, rates and sizes, which tell the tool that wrote it.

Each key of the record that `prepare` makes is a shortcut of its own.
"""

from avsync.audits.base import AuditedClip, Shortcut, Value
from avsync.media.probe import KEYS, TEXTS

# Numbers that name a setting more than they measure something: they rank nothing, so each value is
# a category. Rates of files with uneven times differ in every digit; a hundredth is enough.
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


def _shortcut(key: str) -> Shortcut:
    def measure(clip: AuditedClip) -> Value:
        value = clip.media.get(key)
        if key in TEXTS:
            # No tag at all is a tag too: all files that were stripped are of one kind.
            return "none" if value is None and clip.media else value
        if value is None or key not in NOMINAL:
            return None if value is None else float(value)
        return f"{value:.2f}".rstrip("0").rstrip(".")

    unit = next((unit for ending, unit in UNITS.items() if key.endswith(ending)), "")
    return Shortcut(KEYS[key], unit, measure)


SHORTCUTS = {key: _shortcut(key) for key in KEYS}
