"""The range of grey levels of a face: networks and trees know well-lit faces."""

import numpy as np
from jaxtyping import Float64, UInt8


def grey_range(
    frame: UInt8[np.ndarray, "h w"], box: Float64[np.ndarray, "4"]
) -> tuple[int, int] | None:
    """The darkest and the brightest level in the box, 2 % of the pixels left out at either end.

    They differ at least by one. None if no pixel of the frame is in the box.
    """
    height, width = frame.shape
    left, right = (min(max(int(x), 0), width) for x in (box[0], box[2]))
    top, bottom = (min(max(int(y), 0), height) for y in (box[1], box[3]))
    levels = np.sort(frame[top:bottom:4, left:right:4], axis=None)
    if not levels.size:
        return None
    few = levels.size // 50
    darkest, brightest = int(levels[few]), int(levels[-1 - few])
    return darkest, max(brightest, darkest + 1)
