"""A checkpoint to what `avsync.exporting` writes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from avsync import build, checkpoint, lookup
from avsync.config import Config
from avsync.exporting.folder import write_folder
from avsync.types import Extraction

STREAMS = ("visual", "audio")


def make_export(
    workdir: Path, step: int, *, num_channels: int | None, weights_dtype: str
) -> Callable[[Path], Any]:
    """What writes the scorer of a checkpoint to a folder: `write_folder`, all else given.

    A model of precomputed features takes features of `num_channels` a frame, which no other model
    may be given. ValueError says so, or that the checkpoint does not fit.
    """
    given = checkpoint.read_config(workdir)
    config = with_clips_whole(build.from_json(given))
    channels = _channels(config, num_channels)
    extraction = Extraction("", "", channels) if channels else None
    params = checkpoint.load_params(workdir, step)
    return partial(
        write_folder,
        scorer=build.make_scorer(config, params, extraction=extraction),
        channels=channels,
        config=given,
        calibration=checkpoint.read_calibration(workdir, step),
        licences=licences(config),
        weights_dtype=weights_dtype,
    )


def with_clips_whole(config: Config) -> Config:
    """Encoders that take long clips piece by piece, to save memory, take them whole.

    The result is the same, but of a clip of any length there is no number of pieces.
    """
    for stream in STREAMS:
        if "chunk_frames" in config.model[stream]:
            config.model[stream].chunk_frames = 0
    return config


def _channels(config: Config, num_channels: int | None) -> dict[str, int] | None:
    takes_features = any(config.model[stream].name == build.PRECOMPUTED for stream in STREAMS)
    if takes_features and num_channels is None:
        raise ValueError(
            "this is a model of precomputed features, whose number of channels the checkpoint does "
            "not tell: give --feature_channels=N (AV-HuBERT large has 1024, base 768)"
        )
    if num_channels is not None and not takes_features:
        raise ValueError("--feature_channels is for models of features; this one takes clips")
    return dict.fromkeys(STREAMS, num_channels) if num_channels is not None else None


def licences(config: Config) -> list[str]:
    """What the encoders say of published weights that this checkpoint may hold."""
    modules = {lookup.load("models.encoders", config.model[stream].name) for stream in STREAMS}
    return sorted(module.LICENCE for module in modules if hasattr(module, "LICENCE"))
