"""The 68 points of iBUG 300-W as points, or middles of two points, of MediaPipe's face mesh.

Chosen among the points of the mesh so that each is on average where `dlib68` puts it, on 12 GRID
talkers: within 2 % of the distance between the eyes for what crops depend on (corners of the eyes,
base of the nose, mean of the lips), within 7 % for the others. The points of the same name differ
more: the outer corners of the eyes in the mesh are 3 % further outside.
"""

import numpy as np
from jaxtyping import Complex, Float64

# Outer corners of the eyes in the mesh.
RIGHT_EYE, LEFT_EYE = 33, 263

# Right is the person's right, left in the image. From there to the left, and from the top down.
CHEEKS_AND_CHIN = (
    *((127,), (234,), (93, 147), (58, 213), (58, 136), (136, 150), (150, 176), (148, 176)),
    (152,),
    *((377, 400), (379, 400), (365, 379), (288, 365), (288, 433), (323, 376), (454,), (356,)),
)
# The middle between the upper and the lower edge, but for the inner ends.
RIGHT_BROW = ((46, 70), (53, 63), (52, 105), (65, 66), (55,))
LEFT_BROW = ((285,), (295, 296), (282, 334), (283, 293), (276, 300))
NOSE = ((168,), (197,), (5, 195), (4,), (75,), (97,), (2,), (326,), (305,))
RIGHT_EYELIDS = ((7, 246), (159, 160), (157, 158), (133, 155), (153,), (144,))
LEFT_EYELIDS = ((362, 382), (384, 385), (386, 387), (249, 466), (373,), (380,))
# From the right corner over the upper lip to the left corner and back over the lower lip.
OUTER_LIPS = (
    *((61, 146), (39, 42), (37, 72), (11,), (267, 302), (269, 272)),
    *((291, 375), (405,), (314,), (17,), (84,), (181,)),
)
# The middle ones touch when the mouth is closed.
INNER_LIPS = ((96,), (82,), (13,), (312,), (325,), (317,), (14,), (87,))

ALL_POINTS = (
    *CHEEKS_AND_CHIN,
    *RIGHT_BROW,
    *LEFT_BROW,
    *NOSE,
    *RIGHT_EYELIDS,
    *LEFT_EYELIDS,
    *OUTER_LIPS,
    *INNER_LIPS,
)


# Of each landmark, the first and the last of its points: the same one if it has no other.
_FIRST = np.array([points[0] for points in ALL_POINTS])
_LAST = np.array([points[-1] for points in ALL_POINTS])


def to_68_points(mesh: Complex[np.ndarray, "n 468"]) -> Float64[np.ndarray, "n 68 2"]:
    """Returns points (x, y), numbered as in iBUG 300-W, of meshes of points x + iy."""
    # A matrix product would start the threads of BLAS, at five times the cost of the networks.
    points = (mesh[:, _FIRST] + mesh[:, _LAST]) / 2
    return np.stack([points.real, points.imag], axis=-1)
