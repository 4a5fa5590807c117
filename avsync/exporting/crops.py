"""The way from a video to the crops and the sound that a model takes, in numbers and words.

The numbers are read from the code that reads videos, so that both always agree.
"""

import math
from typing import Any

from avsync.media import mono_audio, mouth_crop
from avsync.media.landmarks import _blazeface, _mesh_points, facemesh
from avsync.units import (
    CROP_PIXELS,
    FRAMES_PER_SECOND,
    INPUT_PIXELS,
    INT16_SCALE,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
)


def describe() -> dict[str, Any]:
    """All that makes the mouth crops and the waveform of a video reproducible, ready for JSON.

    Points are (x, y) in pixels; the centre of the first pixel is (0, 0).
    """
    half = CROP_PIXELS // 2
    first = (CROP_PIXELS - INPUT_PIXELS) // 2
    return {
        "frames": {
            "frames_per_second": FRAMES_PER_SECOND,
            "rule": "a grid that starts at the first frame of the video; each of its points takes "
            "the frame nearest in presentation time",
            "grey": "8 bits, by FFmpeg's conversion to the pixel format gray (for most codecs: "
            "luma, expanded to 0 to 255), upright by the display matrix",
        },
        "sound": {
            "samples_per_second": SAMPLE_RATE,
            "channels": "their mean",
            "resampler": f"soxr, quality {mono_audio.RESAMPLER_QUALITY}",
            "dtype": f"int16: round(x * {INT16_SCALE}), clipped",
            "synchronisation": "by presentation time: sample 0 is the first of frame 0. Frames "
            "before the first one whose sound is complete are dropped; at the end, a frame stays "
            f"if half of its {SAMPLES_PER_FRAME} samples are there, and zeros fill the rest",
            "gaps": f"of more than {mono_audio.MAX_JITTER_SECONDS} s become silence",
        },
        "landmarks": {
            "points": "68, numbered as in iBUG 300-W, each the mean of one or two points of the "
            "mesh",
            "points_of_mesh": [list(points) for points in _mesh_points.ALL_POINTS],
            "model": f"MediaPipe's face mesh of 468 points, {facemesh.MODEL}, in every frame",
            "model_sees": f"an upright square of {facemesh.CONTEXT} times the box around the mesh; "
            "once more, turned as the eyes are, if the mesh is turned by more than "
            f"{round(math.degrees(facemesh.MAX_ROLL))} degrees, {facemesh.MAX_SHIFT} of the box "
            f"off its middle, or {facemesh.MAX_GROWTH} times as large or small",
            "contrast": "grey levels of the box, 2 % left out at either end, are stretched to a "
            f"range of {facemesh.MIN_CONTRAST} if theirs is smaller",
            "boxes": f"MediaPipe's {_blazeface.MODEL}, at least every "
            f"{facemesh.Detector.detect_every} frames, interpolated linearly between",
            "missing": "interpolated linearly; the nearest ones are repeated at the ends",
        },
        "alignment": {
            "stable_points": list(mouth_crop.STABLE_POINTS),
            "mean_face": mouth_crop.MEAN_FACE.tolist(),
            "mean_face_source": "these points of the mean face of AV-HuBERT's preprocessing "
            "(20words_mean_face.npy), whose repository is for individual research and private "
            "study",
            "canvas_pixels": mouth_crop.CANVAS_PIXELS,
            "smoothing_frames": mouth_crop.SMOOTHING_FRAMES,
            "smoothing": "mean of the stable points over frames i to i + smoothing_frames - 1; "
            "later frames keep the last alignment",
            "fit": "least-squares similarity without reflection from the smoothed stable points "
            "to the mean face",
        },
        "crop": {
            "pixels": CROP_PIXELS,
            "centre_points": [mouth_crop.MOUTH_POINTS.start, mouth_crop.MOUTH_POINTS.stop],
            "centre": "mean of the points centre_points[0] to centre_points[1] - 1 of the frame "
            "itself, aligned, not smoothed, clamped to centre_range, rounded half to even; the "
            f"crop begins {half} pixels before it",
            "centre_range": [half, mouth_crop.CANVAS_PIXELS - half],
            "interpolation": "bilinear, from the frame itself; pixels outside the frame are 0",
            "rounding": f"int(x + {mouth_crop.TRUNCATION_MARGIN})",
            "model_sees": [first, first + INPUT_PIXELS],
        },
    }
