"""AV-HuBERT (Shi et al., ICLR 2022): features of the mouth, of the sound, or of both together.

Its published weights may be used for non-commercial research only; avsync ships none.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int16, UInt8

from avsync import lookup
from avsync.models.avhubert.norm import layer_norm
from avsync.models.avhubert.resnet import ResNet
from avsync.models.avhubert.transformer import Transformer
from avsync.models.frontend import DimSize, stacked_log_filterbank
from avsync.models.layers import keep_valid
from avsync.units import SAMPLES_PER_FRAME

MODALITIES = ("audio", "video")

STREAMS = ("visual", "audio", "multimodal")

LENGTHS = ("unit", "raw")

LICENCE = (
    "Weights trained from the published ones of AV-HuBERT (Shi et al., ICLR 2022) are for "
    "non-commercial research only."
)


class Encoder(nn.Module):
    """One modality to [b t d], d = `embedding`, as AVH-Align uses it: the other one is left out.

    The default is the large model; the base one has embedding 768, feed_forward 3072, num_heads 12,
    num_layers 12. Both modalities, and the features themselves, are had from `fuse`. The parameters
    of the whole network, as converted, serve either modality; `init` makes only those in use.

    Attributes:
      modality: "audio" takes waveforms, "video" mouth crops.
      embedding, feed_forward, num_heads, num_layers: of the transformer.
      length: "unit" for features of length 1, as the paper's head expects them; "raw" leaves them.
      amplitude: the scale in which sound is analysed, avsync.models.frontend.AMPLITUDES.
      chunk_frames: frames that the front end and the attention of a long clip take at once, 0 for
        all: less memory, the same result.
      remat: "blocks" keeps each block's input alone for the backward pass, "none" everything.
      dtype: of the activations; sums, norms and softmax are always float32.
    """

    modality: str = ""
    embedding: int = 1024
    feed_forward: int = 4096
    num_heads: int = 16
    num_layers: int = 24
    length: str = "unit"
    amplitude: str = "float"
    chunk_frames: int = 0
    remat: str = "none"
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.audio_projection = nn.Dense(self.embedding, dtype=self.dtype)
        self.resnet = ResNet(self.chunk_frames, self.remat, self.dtype)
        self.video_projection = nn.Dense(self.embedding, dtype=self.dtype)
        self.fusion_norm = layer_norm("fusion_norm")
        self.fusion_projection = nn.Dense(self.embedding, dtype=self.dtype)
        self.transformer = Transformer(
            self.feed_forward,
            self.num_heads,
            self.num_layers,
            self.chunk_frames,
            self.remat,
            self.dtype,
        )

    def __call__(
        self,
        clips: UInt8[Array, "b t_video h w 1"] | Int16[Array, "b s"] | Float[Array, "b s"],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        """Features in float32, 0 where not valid. Padding lies behind the clip.

        `clips` are waveforms of 640 samples a frame for modality "audio", uint8 crops of 88 x 88
        pixels for "video".
        """
        if self.modality == "audio":
            features = self.fuse(None, self.listen(clips, valid), valid)
        elif self.modality == "video":
            features = self.fuse(clips, None, valid)
        else:
            raise ValueError(lookup.unknown("modality", self.modality, list(MODALITIES)))
        if self.length == "unit":
            # The root is kept from 0, where its gradient is infinite.
            square = jnp.sum(jnp.square(features), axis=-1, keepdims=True)
            return features / jnp.sqrt(square + 1e-12)
        if self.length == "raw":
            return features
        raise ValueError(lookup.unknown("length", self.length, list(LENGTHS)))

    def listen(
        self, waveform: Int16[Array, "b s"] | Float[Array, "b s"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t 104"]:
        """The stacked log filterbanks of `waveform`; what lies behind the last valid frame is cut.

        Raises ValueError if there are not 640 samples to each frame of `valid`.
        """
        num_frames = valid.shape[1]
        if waveform.shape[1] != num_frames * SAMPLES_PER_FRAME:
            raise ValueError(
                f"{num_frames} frames need {num_frames * SAMPLES_PER_FRAME} samples, got "
                f"{waveform.shape[1]}: cut or pad the waveform to {SAMPLES_PER_FRAME} a frame."
            )
        num_samples = valid.sum(axis=1) * SAMPLES_PER_FRAME
        return stacked_log_filterbank(waveform, num_samples, amplitude=self.amplitude)

    def fuse(
        self,
        frames: UInt8[Array, "b t_video h w 1"] | Float[Array, "b t_video h w 1"] | None,
        sound: Float[Array, "b t_audio f"] | None,
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        """Features of one or both modalities as the network gives them, 0 where not valid.

        `frames` are uint8, or float that is normalised already; `sound` comes from `listen`, or is
        [b t 104] by other ways. Raises ValueError if there is neither, or not one a frame.
        """
        if frames is None and sound is None:
            raise ValueError("AV-HuBERT needs mouth crops, sound or both; got neither.")
        return self._joined(self._heard(sound, valid), self._seen(frames, valid), valid)

    def extract(
        self,
        frames: UInt8[Array, "b t_video h w 1"],
        waveform: Float[Array, "b s"],
        num_samples: Int[Array, " b"],
        valid: Bool[Array, "b t"],
        *,
        streams: tuple[str, ...],
    ) -> dict[str, Float[Array, "b t d"]]:
        """Features as AVH-Align stores them: "visual", "audio", "multimodal", those of `streams`.

        Each is a pass of the transformer; what lies in front of it is computed once. Only the first
        `num_samples` of a waveform are the clip's own. Sound that goes on behind the last frame
        fills the last stacked filterbank frame, which otherwise is a quarter zeros: s = 640 t + 240
        takes in all that is needed.
        """
        sound = stacked_log_filterbank(waveform, num_samples, amplitude=self.amplitude)
        heard = self._heard(sound[:, : valid.shape[1]], valid)
        seen = self._seen(frames, valid)
        nothing = jnp.zeros_like(heard)
        passes = {"visual": (nothing, seen), "audio": (heard, nothing), "multimodal": (heard, seen)}
        return {stream: self._joined(*passes[stream], valid) for stream in streams}

    def _heard(
        self, sound: Float[Array, "b t_audio f"] | None, valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        if sound is None:
            return self._missing(valid)
        self._require_one_a_frame("frames of sound", sound.shape[1], valid)
        return self.audio_projection(sound)

    def _seen(
        self,
        frames: UInt8[Array, "b t_video h w 1"] | Float[Array, "b t_video h w 1"] | None,
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        if frames is None:
            return self._missing(valid)
        self._require_one_a_frame("mouth crops", frames.shape[1], valid)
        return self.video_projection(self.resnet(frames, valid))

    def _missing(self, valid: Bool[Array, "b t"]) -> Float[Array, "b t d"]:
        # A missing modality is 0 behind its projection, whose bias would leak in otherwise.
        return jnp.zeros((*valid.shape, self.embedding), self.dtype)

    def _joined(
        self,
        audio: Float[Array, "b t d"],
        video: Float[Array, "b t d"],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        joint = self.fusion_norm(jnp.concatenate([audio, video], axis=-1))
        return keep_valid(self.transformer(self.fusion_projection(joint), valid), valid)

    def _require_one_a_frame(self, name: str, given: DimSize, valid: Bool[Array, "b t"]) -> None:
        if given != valid.shape[1]:
            raise ValueError(
                f"{given} {name} for {valid.shape[1]} frames of the clip: there must be one a "
                "frame; cut the longer of picture and sound at its end."
            )
