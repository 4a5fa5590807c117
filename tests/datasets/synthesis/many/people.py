"""A person whose mouth can be measured in pictures."""

import dataclasses

import numpy as np

from avsync.datasets.synthesis.many.person import Person, draw_person


def still_person(seed: int) -> Person:
    """A person who is dark inside the mouth and moves nothing else; the camera follows exactly."""
    drawn = draw_person(np.random.default_rng(seed))
    return dataclasses.replace(
        drawn,
        habits=dataclasses.replace(drawn.habits, unrest=0.0, jaw=1.0, lips=1.0),
        face=dataclasses.replace(
            drawn.face, skin=150.0, cavity=0.15, upper_teeth=-9.0, lower_teeth=-9.0, tongue_tone=0.2
        ),
        camera=dataclasses.replace(drawn.camera, sway=0.0, landmark_noise=0.0, exposure=1.0),
    )
