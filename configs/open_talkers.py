"""Many talkers under open licences: 143 of GRID, CREMA-D and Lombard Grid. Not run here.

    bash launch/open_talkers.sh --grid=DIR --crema_d=DIR --lombard_grid=DIR

That script does everything from the unpacked downloads to a scorer with its model card. The
training alone, on prepared datasets:

    avsync-train --config=open_talkers --workdir=runs/open_talkers

Needed: the videos of GRID (33 speakers, CC BY 4.0, https://zenodo.org/records/3625687), CREMA-D
(91 actors, ODbL 1.0, https://github.com/CheyneyComputerScience/CREMA-D) and Lombard Grid (54
talkers, CC BY 4.0, https://zenodo.org/records/3736465), 46,000 clips of 2 to 3 s. Talkers of
validation and test are never trained on (`avsync/datasets/_splits.py:split_of_talker`).

Preparing takes 0.2 s of a core per clip, 2.5 core hours, and 46,000 * 70 frames * 4.5 kB = 15 GB;
GRID needs 33,000 * 75 frames * 9.2 kB = 23 GB more until it is written. Training sees 10,000 * 64
windows of 64 frames, 41 M frames. A frame costs 6.5 MFLOP forward and 18 with the gradient, 7.4e14
FLOP in all: 3 minutes of a GPU at 5 TFLOP/s. Reading a window takes 19 ms of a core, 27 with the
strong augmentation (configs/README.md), 4.8 core hours in all, so cores set the pace: 40 minutes
with 8 of them, 2.4 hours with 2. Without a GPU an update costs 0.47 ms of a core per frame, 5.3
core hours more: 5 hours on two cores.

Expect, of other talkers in these three corpora (not run here; extrapolated from 22 talkers mixed
with GRID, where 288 and 135 clips gave 0.87 to 0.98): an AUC of 0.95 or more for swapped sound.
Other languages, phones and compression are outside of these corpora: calibrate on clips of your
own kind, and do not expect more than 0.8 to 0.9 there.
"""

from collections.abc import Mapping

from avsync.config import Config, default, encoder, make_strangers, require_variant

VARIANTS = ("test",)

# By the number of training talkers, so that each is seen equally often: hours of one voice teach
# less than another voice. A clip of CREMA-D is then drawn 55 times, one of GRID 4 times.
TALKERS: Mapping[str, float] = {"grid/by_talker": 27.0, "crema_d": 73.0, "lombard_grid": 43.0}


def get_config(arg: str = "") -> Config:
    """`:test` trains a tiny model within seconds, on the same mixture."""
    variant = require_variant(arg, VARIANTS)
    config = default()
    _mix_talkers(config)
    config.data.trim = "jitter"
    make_strangers(config)
    _set_schedule(config)
    if variant == "test":
        _shrink(config)
    return config


def _mix_talkers(config: Config) -> None:
    config.data.update(dataset="", mixture=dict(TALKERS), balance="identity")


def _set_schedule(config: Config) -> None:
    # 2.6 s: most clips of CREMA-D are that long, leading silence trimmed.
    config.data.update(batch_size=64, window_frames=64)
    config.optim.update(learning_rate=2e-3, warmup_steps=500, ema_decay=0.999)
    config.train.update(num_steps=10_000, log_every=100, checkpoint_every=500)


def _shrink(config: Config) -> None:
    config.data.update(batch_size=4, window_frames=40)
    config.model.visual = encoder(
        "lip_patch", stem_width=8, widths=(8, 16), features=32, embedding=16
    )
    config.model.audio = encoder("mel_conv", widths=(16, 16, 32), embedding=16)
    config.optim.update(warmup_steps=2, ema_decay=0.5)
    config.train.update(num_steps=6, log_every=1, checkpoint_every=3)
