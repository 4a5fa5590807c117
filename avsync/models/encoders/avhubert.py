"""AV-HuBERT (Shi et al., ICLR 2022): features of the mouth, of the sound, or of both jointly.

Its published weights may be used for non-commercial research only; avsync ships none.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int16, UInt8

from avsync import lookup
from avsync.models.avhubert import inference, resnet
from avsync.models.avhubert.resnet import ResNet
from avsync.models.avhubert.transformer import POSITION_KERNEL_FRAMES, Transformer
from avsync.models.frontend import DimSize, stacked_log_filterbank
from avsync.models.layers import dense, exact_layer_norm, keep_valid
from avsync.ops import unit_length
from avsync.types import Context
from avsync.units import SAMPLES_PER_FRAME

MODALITIES = ("audio", "video", "both")

STREAMS = ("visual", "audio", "multimodal")

LENGTHS = ("unit", "raw")

WITHOUT_EFFECT_ON_FEATURES = ("length", "chunk_frames", "remat")

LICENCE = (
    "Weights trained from the published ones of AV-HuBERT (Shi et al., ICLR 2022) are for "
    "non-commercial research only."
)


def feature_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The `options` of an Encoder, as in a config, on which the features of `extract` depend.

    They are part of the fingerprint of extracted features. Configs of avsync 0.1 omitted a default
    amplitude and called the modality "video"; the same holds here, so that the fingerprints of
    earlier features stay valid.
    """
    features = {name: x for name, x in options.items() if name not in WITHOUT_EFFECT_ON_FEATURES}
    features["modality"] = "video"
    if features.get("amplitude") == Encoder.amplitude:
        del features["amplitude"]
    return features


class Encoder(nn.Module):
    """Features [b t d] of each modality alone, d = `embedding`, as AVH-Align uses the network.

    The default is the large model; the base model has embedding 768, feed_forward 3072, num_heads
    12, num_layers 12. `fuse` takes both modalities and returns the raw features. `init` makes only
    the parameters that `modality` uses; `fuse` needs those of the whole network, as converted.

    Attributes:
      modality: "both" gives both streams of a model from one set of parameters, and needs the
        audio encoder "shared"; "audio" takes waveforms alone, "video" mouth crops alone.
      embedding: channels of the transformer and of the output.
      feed_forward: channels between the two dense layers of each block.
      num_heads: attention heads of each block.
      num_layers: blocks of the transformer.
      length: "unit" scales features to length 1, as the paper's head expects; "raw" does not.
      amplitude: scale of the analysed sound, one of avsync.models.frontend.AMPLITUDES.
      chunk_frames: frames that the front end and the attention process at once, 0 for all; saves
        memory, the result is the same.
      remat: "blocks" keeps only each block's input for the backward pass, "none" keeps everything.
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

    @property
    def context(self) -> Context:
        """The whole clip by attention; 66 frames on each side by convolutions."""
        reach_frames = resnet.REACH_FRAMES + POSITION_KERNEL_FRAMES // 2
        return Context(reach_frames, is_whole_clip=True)

    @nn.nowrap
    def inference_params(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """`params` in the form in which the default device infers fastest; the same features.

        On a CPU, kernels are in `dtype` and those of each block are arrays of their own; the ResNet
        stays in float32. In float32 they share the memory of `params`; in bfloat16 they take half
        of it, beside `params`.
        """
        if jax.default_backend() != "cpu":
            return params
        prepared = {
            name: inference.cast_kernels(x, self.dtype)
            for name, x in params.items()
            if name not in ("resnet", "transformer")
        }
        prepared["transformer"] = inference.prepare(params["transformer"], dtype=self.dtype)
        return {**params, **prepared}

    def setup(self) -> None:
        self.audio_projection = dense(self.embedding, dtype=self.dtype)
        # XLA computes convolutions in bfloat16 on a CPU as float32 and casts around them: a frame
        # takes 7.2 instead of 6.0 CPU ms (Sapphire Rapids).
        params = self.variables.get("params", {})
        is_prepared = inference.PREPARED in params.get("transformer", {})
        pictures_dtype = jnp.float32 if is_prepared else self.dtype
        self.resnet = ResNet(self.chunk_frames, self.remat, pictures_dtype)
        self.video_projection = dense(self.embedding, dtype=self.dtype)
        self.fusion_norm = exact_layer_norm("fusion_norm")
        self.fusion_projection = dense(self.embedding, dtype=self.dtype)
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
        """Features in float32, 0 where not valid. Padding must follow the clip.

        `clips` are waveforms of 640 samples per frame for modality "audio", uint8 crops of 88 x 88
        pixels for "video".
        """
        lookup.require("modality", self.modality, MODALITIES)
        if self.modality == "both":
            raise ValueError(
                "an AV-HuBERT of modality 'both' gives both streams of a model: set "
                "config.model.audio.name='shared', or choose modality 'video' or 'audio'"
            )
        if self.modality == "audio":
            return self._scaled(self.fuse(None, self.listen(clips, valid), valid))
        return self._scaled(self.fuse(clips, None, valid))

    def streams(
        self,
        visual: UInt8[Array, "b t_video h w 1"],
        audio: Int16[Array, "b s"] | Float[Array, "b s"],
        valid: Bool[Array, "b t"],
    ) -> tuple[Float[Array, "b t d"], Float[Array, "b t d"]]:
        """The features of the crops alone and of the sound alone, as `__call__` returns each.

        ValueError if the modality is not "both".
        """
        if self.modality != "both":
            raise ValueError(
                f"an AV-HuBERT of modality {self.modality!r} gives one stream: set "
                "config.model.visual.modality='both', or choose another audio encoder than 'shared'"
            )
        features = self._passes(visual, self.listen(audio, valid), valid, ("visual", "audio"))
        return self._scaled(features["visual"]), self._scaled(features["audio"])

    def listen(
        self, waveform: Int16[Array, "b s"] | Float[Array, "b s"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t 104"]:
        """The stacked log filterbanks of `waveform`; sound after the last valid frame is ignored.

        Raises ValueError if there are not 640 samples to each frame of `valid`.
        """
        num_frames = valid.shape[1]
        if waveform.shape[1] != num_frames * SAMPLES_PER_FRAME:
            raise ValueError(
                f"{num_frames} frames need {num_frames * SAMPLES_PER_FRAME} samples, got "
                f"{waveform.shape[1]}: cut or pad the waveform to {SAMPLES_PER_FRAME} per frame"
            )
        num_samples = valid.sum(axis=1) * SAMPLES_PER_FRAME
        return stacked_log_filterbank(waveform, num_samples, amplitude=self.amplitude)

    def fuse(
        self,
        frames: UInt8[Array, "b t_video h w 1"] | Float[Array, "b t_video h w 1"] | None,
        sound: Float[Array, "b t_audio f"] | None,
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        """The network's raw features of one or both modalities, 0 where not valid.

        `frames` are uint8 or normalised float; `sound` is what `listen` returns. Raises ValueError
        if both are None, or if the number of either differs from the number of frames in `valid`.
        """
        if frames is None and sound is None:
            raise ValueError("AV-HuBERT needs mouth crops, sound or both; got neither")
        return self._fuse_embedded(
            self._embed_audio(sound, valid), self._embed_video(frames, valid), valid
        )

    def extract(
        self,
        frames: UInt8[Array, "b t_video h w 1"],
        waveform: Float[Array, "b s"],
        num_samples: Int[Array, " b"],
        valid: Bool[Array, "b t"],
        *,
        streams: tuple[str, ...],
    ) -> dict[str, Float[Array, "b t d"]]:
        """Features as AVH-Align stores them, by stream; `streams` are some of `STREAMS`.

        Each stream is one pass of the transformer; the front ends run once. Only the first
        `num_samples` of a waveform belong to the clip. Sound that continues after the last frame
        fills the last stacked filterbank frame, a quarter of which is zeros otherwise;
        s = 640 t + 240 covers it.
        """
        sound = stacked_log_filterbank(waveform, num_samples, amplitude=self.amplitude)
        return self._passes(frames, sound[:, : valid.shape[1]], valid, streams)

    def _passes(
        self,
        frames: UInt8[Array, "b t_video h w 1"],
        sound: Float[Array, "b t_audio f"],
        valid: Bool[Array, "b t"],
        streams: tuple[str, ...],
    ) -> dict[str, Float[Array, "b t d"]]:
        """Raw features by stream; the front ends run once."""
        audio, video = self._embed_audio(sound, valid), self._embed_video(frames, valid)
        absent = jnp.zeros_like(audio)
        passes = {
            "visual": (absent, video), "audio": (audio, absent), "multimodal": (audio, video)
        }  # fmt: skip
        # All passes as rows of one batch: a CPU reads the parameters of each layer once, not once
        # per stream; with the copies of a scan, a third of the time of a single clip of 3 s.
        audios, videos = zip(*(passes[stream] for stream in streams), strict=True)
        features = self._fuse_embedded(
            jnp.concatenate(audios), jnp.concatenate(videos), jnp.tile(valid, (len(streams), 1))
        )
        return dict(zip(streams, jnp.split(features, len(streams)), strict=True))

    def _scaled(self, features: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        lookup.require("length", self.length, LENGTHS)
        return unit_length(features) if self.length == "unit" else features

    def _embed_audio(
        self, sound: Float[Array, "b t_audio f"] | None, valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        if sound is None:
            return self._missing(valid)
        self._require_one_per_frame("frames of sound", sound.shape[1], valid)
        return self.audio_projection(sound)

    def _embed_video(
        self,
        frames: UInt8[Array, "b t_video h w 1"] | Float[Array, "b t_video h w 1"] | None,
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        if frames is None:
            return self._missing(valid)
        self._require_one_per_frame("mouth crops", frames.shape[1], valid)
        return self.video_projection(self.resnet(frames, valid))

    def _missing(self, valid: Bool[Array, "b t"]) -> Float[Array, "b t d"]:
        # A missing modality is 0 after its projection, whose bias would leak in otherwise.
        return jnp.zeros((*valid.shape, self.embedding), self.dtype)

    def _fuse_embedded(
        self,
        audio: Float[Array, "b t d"],
        video: Float[Array, "b t d"],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t d"]:
        joint = self.fusion_norm(jnp.concatenate([audio, video], axis=-1))
        return keep_valid(self.transformer(self.fusion_projection(joint), valid), valid)

    def _require_one_per_frame(self, name: str, given: DimSize, valid: Bool[Array, "b t"]) -> None:
        if given != valid.shape[1]:
            raise ValueError(
                f"{given} {name} for {valid.shape[1]} frames of the clip; there must be one per "
                "frame: cut the longer of video and audio at its end"
            )
