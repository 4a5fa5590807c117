"""Adds LSE-D and LSE-C to the scores of a video: SyncNet on the faces that have a score.

The file is decoded a second time, in colour, and the face crops go through the network as they
come: neither they nor their embeddings are kept.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from avsync import checkpoint, weights
from avsync.media.face_crop import face_path
from avsync.media.reading import FaceSpan, Reader
from avsync.media.rejects import Reject
from avsync.models.syncnet import WINDOW_CEPSTRA, WINDOW_FRAMES, SyncNet
from avsync.scoring.lse import Lse, lse
from avsync.scoring.video.clip_scorer import OnProgress, no_progress
from avsync.scoring.video.lse_stream import LseStream, Network, make_network
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import FaceResult, Timeline, VideoResult
from avsync.scoring.video.video_scorer import Origin, VideoScorer
from avsync.units import FACE_PIXELS, FRAMES_PER_SECOND, SAMPLES_PER_FRAME

METRIC = "lse"  # what the config of a converted SyncNet holds


def load_syncnet(place: Path) -> Network:
    """SyncNet in the checkpoint at `place`; ValueError if it holds none, or is damaged."""
    workdir, step = checkpoint.find(place)
    if checkpoint.read_config(workdir).get("metric") != METRIC:
        raise ValueError(
            f"{place} holds no SyncNet, which LSE needs. Convert its published weights: "
            "avsync-convert syncnet --source=syncnet_v2.model --out=DIR"
        )
    params = checkpoint.load_params(workdir, step)
    frames = jnp.zeros((WINDOW_FRAMES, FACE_PIXELS, FACE_PIXELS, 3), jnp.uint8)
    cepstra = jnp.zeros(WINDOW_CEPSTRA)
    expected = jax.eval_shape(lambda: SyncNet().init(jax.random.key(0), frames, cepstra)["params"])
    weights.require_fit(params, expected, source=place)
    return make_network(params)._replace(fingerprint=weights.fingerprint({}, params))


class LseScorer:
    """Scores video files as `scorer` does, and adds their LSE; `avsync.load_lse_scorer` makes it.

    A face has an LSE if it has a score, so what cannot be judged is left out of both. The whole
    face counts, as in the published script: its leading silence is not trimmed.
    """

    def __init__(self, scorer: VideoScorer, network: Network):
        self._scorer, self._network = scorer, network

    @property
    def reference(self) -> Reference:
        """The reference clips that the scores are compared with."""
        return self._scorer.reference

    @property
    def reader(self) -> Reader:
        """What reads the files."""
        return self._scorer.reader

    @property
    def origin(self) -> Origin:
        """The model of the scores beside the LSE, then SyncNet; and the calibration."""
        origin = self._scorer.origin
        return origin._replace(model=f"{origin.model}+{self._network.fingerprint}")

    def with_reader(self, reader: Reader) -> "LseScorer":
        """This scorer with another reader, for another thread."""
        return LseScorer(self._scorer.with_reader(reader), self._network)

    def score(
        self,
        path: str | Path,
        *,
        on_progress: OnProgress = no_progress,
        following: Path | None = None,
    ) -> VideoResult:
        """The result of one file; a file that cannot be scored has a status that says why.

        `on_progress` as for `VideoScorer.score`; the stage "lse" decodes the file again.
        `following` is not read ahead: the reader is busy with this file up to its end.
        """
        del following
        result = self._scorer.score(path, on_progress=on_progress)
        if result.timeline is None:
            return result
        scored = [face for face in result.faces if face.score is not None]
        try:
            streams = self._streams(Path(path), scored, result.timeline, on_progress)
        except Reject as reject:
            return VideoResult(path=str(path), status=reject.reason, message=reject.detail)
        left = iter(streams)
        faces = tuple(
            face if face.score is None else dataclasses.replace(face, lse=_joint([next(left)]))
            for face in result.faces
        )
        talking = [stream for face, stream in zip(scored, streams, strict=True) if face.is_talking]
        return dataclasses.replace(result, faces=faces, lse=_joint(talking))

    def _streams(
        self,
        path: Path,
        faces: Sequence[FaceResult],
        timeline: Timeline,
        on_progress: OnProgress,
    ) -> list[LseStream]:
        """The comparison of each face with its sound, complete.

        Raises `Reject` if the file cannot be decoded again, or is shorter now.
        """
        first_with_sound = round(timeline.start_seconds * FRAMES_PER_SECOND)
        num_frames = len(timeline.waveform) // SAMPLES_PER_FRAME
        spans, streams = [], []
        for face in faces:
            first = round(face.start * FRAMES_PER_SECOND) - first_with_sound
            # A face may be visible beyond the end of the sound.
            end = min(first + len(face.outlines), num_frames)
            waveform = timeline.waveform[first * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME]
            frames = range(first_with_sound + first, first_with_sound + end)
            spans.append(FaceSpan(frames, face_path(face.outlines)))
            streams.append(LseStream(self._network, waveform))
        start, end = min(span.frames.start for span in spans), max(s.frames.stop for s in spans)
        for frame, face, crop in self._scorer.reader.face_crops(path, spans):
            streams[face].add(crop)
            on_progress("lse", frame + 1 - start, end - start)
        if not all(stream.is_complete for stream in streams):
            raise Reject("undecodable", "decoded again for LSE, it has fewer frames")
        return streams


def _joint(streams: Sequence[LseStream]) -> Lse:
    """The LSE of all windows of these faces; of one face, that of the published script."""
    total = np.sum([stream.total for stream in streams], axis=0)
    return lse(total, num_windows=sum(stream.num_windows for stream in streams))
