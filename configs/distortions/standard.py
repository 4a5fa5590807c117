"""22 visual and 16 audio distortions, each at three strengths from weak to strong.

    avsync-evaluate --checkpoint=runs/grid --dataset=grid --distort=standard --out=DIR

`standard:medium` has the medium strengths only: 38 cells instead of 114. The crops are grey, so
colours are not distorted. Units: `avsync-evaluate` prints them, `avsync/distortions` defines them.
"""

from avsync.config.files import ArgumentError

VARIANTS = ("", "medium", "test")

VISUAL = {
    "h264": (24, 30, 36),
    "mpeg4": (8, 16, 31),
    "jpeg": (30, 12, 5),
    "blur": (1, 2, 4),
    "motion_blur": (5, 9, 17),
    "small_picture": (40, 24, 14),
    "noise": (8, 20, 50),
    "salt_and_pepper": (2, 8, 25),
    "brightness": (25, 50, 90),
    "contrast": (0.6, 0.35, 0.15),
    "gamma": (1.4, 2, 3),
    "flicker": (5, 12, 30),
    "few_levels": (16, 8, 4),
    "rotation": (6, 12, 24),
    "zoom": (1.1, 1.25, 1.6),
    "aspect": (1.1, 1.25, 1.6),
    "shift": (4, 9, 18),
    "jitter": (0.5, 1.5, 4),
    "occlusion": (16, 28, 44),
    "lost_blocks": (3, 10, 30),
    "frame_rate": (15, 12.5, 8),
    "lost_frames": (10, 30, 60),
}

AUDIO = {
    "mp3": (32, 16, 8),
    "aac": (24, 14, 8),
    "opus": (16, 10, 6),
    "telephone": (3400, 2400, 1600),
    "mu_law": (6, 4, 3),
    "low_pass": (4000, 2000, 1000),
    "high_pass": (300, 800, 1600),
    "low_rate": (8000, 5000, 3000),
    "reverberation": (0.3, 0.7, 1.5),
    "white_noise": (20, 10, 0),
    "pink_noise": (20, 10, 0),
    "babble": (20, 10, 0),
    "gain": (-12, -24, 18),
    "clipping": (2, 10, 40),
    "few_bits": (7, 5, 3),
    "lost_packets": (5, 15, 40),
}


def get_distortions(arg: str = "") -> dict[str, tuple[float, ...]]:
    """`arg` is one of `VARIANTS`."""
    if arg not in VARIANTS:
        raise ArgumentError(
            f"unknown variant {arg!r}; known are {', '.join(filter(None, VARIANTS))}"
        )
    if arg == "test":
        return {"contrast": (0.6,), "white_noise": (20, 0)}
    grid = {**VISUAL, **AUDIO}
    return {name: strengths[1:2] for name, strengths in grid.items()} if arg else grid
