"""AV-HuBERT's visual front end: a stem over five frames and the trunk of ResNet-18."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from avsync.models.layers import keep_valid, with_remat
from avsync.units import INPUT_PIXELS

# Mean and deviation of grey values over the training crops of AV-HuBERT (its published config).
GREY_MEAN, GREY_DEVIATION = 0.421, 0.165

REACH_FRAMES = 2  # of the stem on each side; no other layer sees more than one frame
STEM_WIDTH = 64
WIDTHS = (64, 128, 256, 512)
BLOCKS = 2

# Images of a chunk on CPUs: what a convolution reads is then in the cache. An image of 32 takes
# 0.93 of the CPU time of one of 192 on Zen 4, and 0.80 of one of 320 on Sapphire Rapids (float32).
IMAGES_AT_ONCE = 32


class ResNet(nn.Module):
    """Mouth crops to 512 channels per frame, [b t 512].

    The published network's batch norms are folded into the convolutions before them; each
    channel has its own PReLU slope.

    Attributes:
      chunk_frames: frames processed at once, 0 for all; a frame takes about 1 MB in float32. CPUs
        may process fewer, see `chunk_for`. The result is the same.
      remat: see `avsync.models.layers.with_remat`.
      dtype: of the activations.
    """

    chunk_frames: int = 0
    remat: str = "none"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        frames: UInt8[Array, "b t h w 1"] | Float[Array, "b t h w 1"],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t 512"]:
        """Features of `frames`, uint8 or normalised float; ValueError if they are not 88 x 88."""
        if frames.shape[2:4] != (INPUT_PIXELS, INPUT_PIXELS):
            raise ValueError(
                f"AV-HuBERT takes mouth crops of {INPUT_PIXELS} x {INPUT_PIXELS} pixels, got "
                f"{frames.shape[2]} x {frames.shape[3]}; crop larger ones to their centre"
            )
        images = ImageNetwork(self.remat, self.dtype, name="pictures")
        time = frames.shape[1]
        chunk = chunk_for(
            self.chunk_frames, jax.default_backend(), num_clips=frames.shape[0], num_frames=time
        )
        num_chunks = -(-time // chunk)
        margin = (REACH_FRAMES, num_chunks * chunk - time + REACH_FRAMES)
        frames = jnp.pad(frames, ((0, 0), margin, (0, 0), (0, 0), (0, 0)))
        valid = jnp.pad(valid, ((0, 0), margin))
        if num_chunks == 1:
            return images(frames, valid)

        def one_chunk(
            images: ImageNetwork, carry: None, first: jax.Array
        ) -> tuple[None, jax.Array]:
            chunk_inputs = [
                jax.lax.dynamic_slice_in_dim(x, first, chunk + 2 * REACH_FRAMES, axis=1)
                for x in (frames, valid)
            ]
            return carry, images(*chunk_inputs)

        scan = nn.scan(one_chunk, variable_broadcast="params", split_rngs={"params": False})
        _, features = scan(images, None, jnp.arange(num_chunks) * chunk)
        features = jnp.moveaxis(features, 0, 1)
        return features.reshape(features.shape[0], num_chunks * chunk, -1)[:, :time]


def chunk_for(chunk_frames: int, platform: str, *, num_clips: Any, num_frames: Any) -> Any:
    """Frames of each of `num_clips` clips of `num_frames` that are processed at once.

    `chunk_frames` is the most, 0 for all of them. Below it, CPUs process `IMAGES_AT_ONCE` images or
    up to twice as many, whichever needs the least padding at the end of the clips.
    """
    if not chunk_frames:  # also in a program for export, where the sizes are symbols
        return num_frames
    fewest = -(-IMAGES_AT_ONCE // num_clips)
    if platform == "cpu" and fewest < chunk_frames:
        sizes = range(fewest, min(2 * fewest, chunk_frames + 1))
        chunk_frames = min(sizes, key=lambda size: -(-num_frames // size) * size)
    return min(chunk_frames, num_frames)


class ImageNetwork(nn.Module):
    """Frames, two more at each end, [b t+4 88 88 1], to [b t 512]."""

    remat: str
    dtype: Any

    @nn.compact
    def __call__(
        self,
        frames: UInt8[Array, "b n h w 1"] | Float[Array, "b n h w 1"],
        valid: Bool[Array, "b n"],
    ) -> Float[Array, "b t 512"]:
        x = keep_valid(_normalised(frames), valid)[..., 0].astype(self.dtype)
        # A 3-D convolution is a 2-D one over neighbouring frames stacked as channels; CPUs are
        # several times faster at the latter.
        batch, time = x.shape[0], x.shape[1] - 2 * REACH_FRAMES
        x = jnp.stack([x[:, i : i + time] for i in range(2 * REACH_FRAMES + 1)], axis=-1)
        x = x.reshape(batch * time, *x.shape[2:])
        x = PReLU(name="stem_prelu")(_conv(STEM_WIDTH, 7, 2, self.dtype, name="stem")(x))
        # Slopes, and so activations, may be negative: a padding of 0 could be the maximum. At the
        # far side 44 pixels need no padding: the last window ends with the last pixel.
        x = jnp.pad(x, ((0, 0), (1, 0), (1, 0), (0, 0)), constant_values=-jnp.inf)
        x = nn.max_pool(x, (3, 3), (2, 2))
        block = with_remat(ResidualBlock, self.remat)
        for stage, width in enumerate(WIDTHS):
            for i in range(BLOCKS):
                stride = 2 if stage > 0 and i == 0 else 1
                x = block(width, stride, self.dtype, name=f"stage{stage + 1}_block{i + 1}")(x)
        return x.mean(axis=(1, 2), dtype=jnp.float32).reshape(batch, time, -1)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (He et al. 2016); PReLU after the sum."""

    width: int
    stride: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 d"]:
        y = _conv(self.width, 3, self.stride, self.dtype, name="conv1")(x)
        y = PReLU(name="prelu1")(y)
        y = _conv(self.width, 3, 1, self.dtype, name="conv2")(y)
        if self.stride > 1:
            x = _conv(self.width, 1, self.stride, self.dtype, name="shortcut")(x)
        return PReLU(name="prelu2")(x + y)


class PReLU(nn.Module):
    """PReLU with one slope per channel; Flax's nn.PReLU has one for all channels."""

    @nn.compact
    def __call__(self, x: Float[Array, "*rest c"]) -> Float[Array, "*rest c"]:
        slope = self.param("slope", nn.initializers.constant(0.25), (x.shape[-1],))
        return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)


def _normalised(
    frames: UInt8[Array, "b n h w 1"] | Float[Array, "b n h w 1"],
) -> Float[Array, "b n h w 1"]:
    if frames.dtype != jnp.uint8:
        return frames
    return (frames.astype(jnp.float32) / 255 - GREY_MEAN) / GREY_DEVIATION


def _conv(width: int, kernel: int, stride: int, dtype: Any, *, name: str) -> nn.Conv:
    # Equal zeros on both sides; "SAME" pads more at the far side where the stride is 2.
    padding = (kernel // 2, kernel // 2)
    return nn.Conv(
        width, [kernel, kernel], [stride, stride], [padding, padding], dtype=dtype, name=name
    )
