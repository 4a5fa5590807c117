"""SyncNet (Chung & Zisserman, ACCV 2016): embeddings of 0.2 s of a face and of sound.

Of the published network (syncnet_python, `syncnet_v2.model`); its batch norms are folded into the
layers before them. It is no encoder of clips: it sees whole faces in colour, not mouth crops, and
only `avsync.scoring.lse` compares its embeddings.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

# A window is this many video frames; it begins at any of them.
WINDOW_FRAMES = 5

# MFCC of a window (avsync.models.frontend), four per video frame, and their number of cepstra.
WINDOW_CEPSTRA = (20, 13)
CEPSTRA_PER_FRAME = 4

EMBEDDING = 1024


class SyncNet(nn.Module):
    """The two towers; initialise with `__call__`, apply `faces` and `sound`."""

    def setup(self) -> None:
        self.face_tower = FaceTower()
        self.sound_tower = SoundTower()

    def __call__(
        self, frames: UInt8[Array, "n h w 3"], cepstra: Float[Array, "m 13"]
    ) -> tuple[Float[Array, "t 1024"], Float[Array, "u 1024"]]:
        """The embeddings of all windows of a face and of the sound."""
        return self.faces(frames), self.sound(cepstra)

    def faces(self, frames: UInt8[Array, "n h w 3"]) -> Float[Array, "t 1024"]:
        """One embedding for each window of 5 `frames`, red, green, blue: t = n - 4."""
        num_windows = frames.shape[0] - WINDOW_FRAMES + 1
        x = frames.astype(jnp.float32)
        # A 3-D convolution over all 5 frames is a 2-D one over frames stacked as channels.
        x = jnp.concatenate([x[i : i + num_windows] for i in range(WINDOW_FRAMES)], axis=-1)
        return self.face_tower(x)

    def sound(self, cepstra: Float[Array, "m 13"]) -> Float[Array, "u 1024"]:
        """One embedding for each window of 20 `cepstra`, every 4th: u = (m - 20) // 4 + 1."""
        length, _ = WINDOW_CEPSTRA
        num_windows = (cepstra.shape[0] - length) // CEPSTRA_PER_FRAME + 1
        first = jnp.arange(num_windows)[:, None] * CEPSTRA_PER_FRAME
        windows = cepstra[first + jnp.arange(length)]
        return self.sound_tower(jnp.swapaxes(windows, 1, 2)[..., None])


class FaceTower(nn.Module):
    """Five stacked frames [t 224 224 15] to embeddings."""

    @nn.compact
    def __call__(self, x: Float[Array, "t h w 15"]) -> Float[Array, "t 1024"]:
        x = _conv(x, 96, 7, stride=2, padding=0, name="conv1")
        x = nn.max_pool(x, (3, 3), (2, 2))
        x = _conv(x, 256, 5, stride=2, padding=1, name="conv2")
        # Zeros at the border, which PyTorch leaves out of the maximum, change none of ReLU.
        x = nn.max_pool(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (3, 3), (2, 2))
        for number in (3, 4, 5):
            x = _conv(x, 256, 3, stride=1, padding=1, name=f"conv{number}")
        x = nn.max_pool(x, (3, 3), (2, 2))
        x = _conv(x, 512, 6, stride=1, padding=0, name="conv6")
        return _embedding(x)


class SoundTower(nn.Module):
    """Windows of cepstra [u 13 20 1] to embeddings."""

    @nn.compact
    def __call__(self, x: Float[Array, "u 13 20 1"]) -> Float[Array, "u 1024"]:
        x = _conv(x, 64, 3, stride=1, padding=1, name="conv1")
        x = _conv(x, 192, 3, stride=1, padding=1, name="conv2")
        x = nn.max_pool(x, (3, 3), (1, 2))
        x = _conv(x, 384, 3, stride=1, padding=1, name="conv3")
        for number in (4, 5):
            x = _conv(x, 256, 3, stride=1, padding=1, name=f"conv{number}")
        x = nn.max_pool(x, (3, 3), (2, 2))
        x = _conv(x, 512, (5, 4), stride=1, padding=0, name="conv6")
        return _embedding(x)


def _conv(
    x: jax.Array, width: int, kernel: int | tuple[int, int], *, stride: int, padding: int, name: str
) -> jax.Array:
    """Convolution and ReLU; called within a compact method, whose module gets the parameters."""
    size = (kernel, kernel) if isinstance(kernel, int) else kernel
    # The default precision of accelerators keeps 3 to 4 digits.
    conv = nn.Conv(
        width,
        size,
        strides=stride,
        padding=padding,
        precision="highest",
        name=name,
    )
    return nn.relu(conv(x))


def _embedding(x: Float[Array, "n 1 1 512"]) -> Float[Array, "n 1024"]:
    hidden = nn.Dense(512, precision="highest", name="dense1")(x[:, 0, 0])
    return nn.Dense(EMBEDDING, precision="highest", name="dense2")(nn.relu(hidden))
