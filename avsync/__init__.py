"""Audio-visual deepfake detection by lip-sync alignment, trained on real videos only, in JAX."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avsync.media.reading import Reader
    from avsync.scoring.video.lse_scorer import LseScorer
    from avsync.scoring.video.tolerance import Tolerance
    from avsync.scoring.video.video_scorer import VideoScorer
    from avsync.types import Clip

__all__ = ["__version__", "load_lse_scorer", "load_scorer", "read_clip"]

__version__ = "0.2.0"


def load_scorer(
    checkpoint: str | Path | None = None,
    *,
    weights: str | Path | None = None,
    dtype: str | None = None,
    detector: str = "trees68",
    false_alarm_rate: float = 0.05,
    tolerance: "Tolerance | None" = None,
    reader: "Reader | None" = None,
    group: str = "",
) -> "VideoScorer":
    """A scorer of video files, with the shipped model by default.

    >>> scorer = load_scorer()
    >>> result = scorer.score("grid_s1/video/bbaf2n.mkv")
    >>> result.status, result.verdict
    ('ok', 'consistent')
    >>> f"{result.score:.2f}, p = {result.p_value:.3f}"
    '0.27, p = 0.340'
    >>> result.offset_frames, result.offset_seconds, result.offset_is_certain
    (0, -0.004, True)
    >>> result.frame_scores.shape, result.frame_times[:3].round(2).tolist()
    ((73,), [0.04, 0.08, 0.12])
    >>> result.segments, len(result.faces)
    ((), 1)

    `score` never raises for a broken file: its `status` and `message` say why there is no score.
    Scores grow with fakeness; `avsync.scoring.video.results` describes all fields. The first file
    takes seconds to compile; set JAX_COMPILATION_CACHE_DIR to keep what was compiled.

    Args:
      checkpoint: WORKDIR or WORKDIR/checkpoints/STEP of a training, a folder that avsync-export
        wrote, or one on the Hugging Face Hub: hf://OWNER/NAME[@REVISION][/FOLDER].
      weights: checkpoint of the encoder, if `checkpoint` is a head trained on its features.
      dtype: of the activations, "float32" or "bfloat16"; by default that of the checkpoint.
      detector: the face detector, a module of `avsync.media.landmarks`.
      false_alarm_rate: the target share of alarms on the calibration clips, between 0 and 1.
      tolerance: how far the sound may be early or late, `avsync.scoring.video.tolerance.parse(...)`
        of "ebu", "itu" or "EARLY,LATE" in milliseconds; each result then has `tolerance.passes`.
      group: compares files with the calibration clips of this group alone if it has at least 30,
        see `avsync.scoring.video.reference.MIN_GROUP`; otherwise with those of all groups.
      reader: reads the files, by default in this process and without limits. For files from
        strangers, `avsync.media.process_reader.ProcessReader("trees68")` reads in a process of its
        own, limited in time and memory; it brings its own detector, and a script that makes one
        needs `if __name__ == "__main__":`.

    Raises:
      ValueError: the checkpoint is not found, damaged or of another kind; the detector is unknown
        or not installed; the rate is out of range; the calibration has no such group.
    """
    from avsync import hub, lookup, pretrained

    # Names first: importing what follows takes seconds.
    lookup.require("detector", detector, lookup.names("media.landmarks"))
    place = hub.locate(checkpoint or pretrained.GRID)
    encoder = hub.locate(weights) if weights else None
    for path in filter(None, (place, encoder)):
        if not path.exists():
            raise ValueError(f"checkpoint not found: {path}")

    from avsync import build
    from avsync.checkpoint import find, read_calibration
    from avsync.media.landmarks.base import load_detector
    from avsync.media.reading import DirectReader
    from avsync.scoring.video.reference import Reference
    from avsync.scoring.video.video_scorer import Origin, VideoScorer
    from avsync.weights import fingerprint

    workdir, step = find(place)
    calibration = read_calibration(workdir, step)
    reference = Reference(
        calibration,
        false_alarm_rate=false_alarm_rate,
        caution="" if checkpoint else pretrained.CAUTION,
        group=group,
    )
    scorer = build.load_scorer(workdir, step, extraction=None, encoder=encoder, dtype=dtype)
    reader = reader or DirectReader(load_detector(detector))
    origin = Origin(
        model=scorer.fingerprint,
        calibration=fingerprint(calibration, {}) if calibration else "",
    )
    return VideoScorer(scorer, reference, reader=reader, origin=origin, tolerance=tolerance)


def read_clip(path: str | Path, *, detector: str = "trees68") -> "Clip":
    """The clip of the talking face of a video file, as avsync-prepare makes it.

    Its `frames` are uint8 mouth crops [t 96 96 1] at 25 fps, its `waveform` int16 samples [640 t]
    at 16 kHz. For one-off use; `avsync-prepare` reads folders, and limits time and memory.

    Raises:
      ValueError: the file is missing or broken, or has no face or no sound; the detector is unknown
        or not installed.
    """
    from avsync import lookup

    lookup.require("detector", detector, lookup.names("media.landmarks"))
    from avsync.media.landmarks.base import load_detector
    from avsync.media.rejects import Reject
    from avsync.preparation.clips import prepare_clip
    from avsync.types import MediaFile

    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"not a file: {path}")
    try:
        return prepare_clip(MediaFile(path.stem, path), detector=load_detector(detector))
    except Reject as reject:
        raise ValueError(f"{path}: {reject.reason}: {reject.detail}") from reject


def load_lse_scorer(
    checkpoint: str | Path | None,
    *,
    detector: str = "trees68",
    false_alarm_rate: float = 0.05,
    tolerance: "Tolerance | None" = None,
    reader: "Reader | None" = None,
) -> "LseScorer":
    """A scorer of video files by the shipped model that adds LSE-D and LSE-C of SyncNet.

    `load_lse_scorer("weights/syncnet").score("clip.mp4")` is the result that `load_scorer` gives,
    with `lse.lse_d`, `lse.lse_c` and `lse.offset_frames`, see `avsync.scoring.lse.Lse`.

    Args:
      checkpoint: the folder that `avsync-convert syncnet` wrote; required.
      detector, false_alarm_rate, tolerance, reader: see `load_scorer`.

    Raises:
      ValueError: the checkpoint is missing, not found, damaged or not SyncNet; see `load_scorer`.
    """
    if checkpoint is None:
        raise ValueError(
            "LSE needs --checkpoint=DIR with SyncNet. Convert its published weights: "
            "avsync-convert syncnet --source=syncnet_v2.model --out=DIR"
        )
    from avsync import hub

    place = hub.locate(checkpoint)
    if not place.exists():
        raise ValueError(f"checkpoint not found: {place}")

    from avsync.scoring.video.lse_scorer import LseScorer, load_syncnet

    network = load_syncnet(place)
    options = {"detector": detector, "false_alarm_rate": false_alarm_rate, "tolerance": tolerance}
    scorer = load_scorer(**options, reader=reader)
    return LseScorer(scorer, network)
