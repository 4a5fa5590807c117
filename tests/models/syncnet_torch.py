"""SyncNet and LSE in PyTorch and python_speech_features: makes `syncnet.npz`. No test runs it.

    pip install torch==2.13.0 python_speech_features==0.6 scipy
    python -m tests.models.syncnet_torch

The network is that of syncnet_python, put together from the table below; LSE is that of its
`evaluate`: distances of PyTorch's pairwise_distance to zero-padded sound, at shifts of up to 15.
"""

from pathlib import Path

import numpy as np
import python_speech_features  # type: ignore[import-not-found]
import torch  # type: ignore[import-not-found]
from torch import nn  # type: ignore[import-not-found]

from tests.models import syncnet_weights

VECTORS = Path(__file__).with_name("syncnet.npz")

# Index in the published network, kernel, stride, padding; a pooling has no padding of its own.
FACE = [(0, (5, 7, 7), (1, 2, 2), 0), ("pool", (1, 3, 3), (1, 2, 2), 0)]
FACE += [(4, (1, 5, 5), (1, 2, 2), (0, 1, 1)), ("pool", (1, 3, 3), (1, 2, 2), (0, 1, 1))]
FACE += [(i, (1, 3, 3), 1, (0, 1, 1)) for i in (8, 11, 14)]
FACE += [("pool", (1, 3, 3), (1, 2, 2), 0), (18, (1, 6, 6), 1, 0)]
SOUND = [(0, 3, 1, 1), (4, 3, 1, 1), ("pool", 3, (1, 2), 0)]
SOUND += [(i, 3, 1, 1) for i in (8, 11, 14)] + [("pool", 3, 2, 0), (18, (5, 4), 1, 0)]

EVERY = 4  # of the 1,024 values of an embedding, the file keeps every fourth


def tower(state, table, convs, dense, x):
    """The embeddings of the windows `x`."""
    dims = x.ndim - 2
    conv_class, norm_class = {2: (nn.Conv2d, nn.BatchNorm2d), 3: (nn.Conv3d, nn.BatchNorm3d)}[dims]
    pool_class = {2: nn.MaxPool2d, 3: nn.MaxPool3d}[dims]
    for index, kernel, stride, padding in table:
        if index == "pool":
            x = pool_class(kernel, stride, padding)(x)
            continue
        width, channels = state[f"{convs}.{index}.weight"].shape[:2]
        conv = load(conv_class(channels, width, kernel, stride, padding), state, f"{convs}.{index}")
        x = load(norm_class(width), state, f"{convs}.{index + 1}")(conv(x)).relu()
    x = load(nn.Linear(512, 512), state, f"{dense}.0")(x.flatten(1))
    x = load(nn.BatchNorm1d(512), state, f"{dense}.1")(x).relu()
    return load(nn.Linear(512, 1024), state, f"{dense}.3")(x)


def load(module, state, name):
    """`module`, in double precision, with the tensors of `state` called `name`."""
    own = {key.removeprefix(f"{name}."): torch.from_numpy(value) for key, value in state.items()}
    module.load_state_dict({key: own[key] for key in module.state_dict() if key in own}, False)
    return module.double().eval()


def lse(face, sound):
    """Mean distance at each shift, LSE-D, LSE-C and the offset as the script prints it."""
    padded = nn.functional.pad(sound, (0, 0, 15, 15))
    rows = [
        nn.functional.pairwise_distance(face[[i]].repeat(31, 1), padded[i : i + 31])
        for i in range(len(face))
    ]
    means = torch.stack(rows, 1).mean(1)
    least, index = means.min(0)
    return means.numpy(), np.array([least, means.median() - least, 15 - index])


@torch.no_grad()
def main():
    state = syncnet_weights.random_state()
    frames = torch.from_numpy(syncnet_weights.faces()[..., ::-1].copy()).double()  # blue first
    pictures = torch.stack([frames[i : i + 5] for i in range(2)]).permute(0, 4, 1, 2, 3)
    cepstra = torch.from_numpy(syncnet_weights.cepstra().T.copy()).double()
    sounds = torch.stack([cepstra[None, :, 4 * i : 4 * i + 20] for i in range(2)])
    means, summary = lse(*map(torch.from_numpy, syncnet_weights.embeddings()))
    np.savez_compressed(
        VECTORS,
        faces=tower(state, FACE, "netcnnlip", "netfclip", pictures)[:, ::EVERY].float(),
        sound=tower(state, SOUND, "netcnnaud", "netfcaud", sounds)[:, ::EVERY].float(),
        mfcc=python_speech_features.mfcc(syncnet_weights.waveform(), 16_000).astype(np.float32),
        distances=means,
        lse=summary.astype(np.float32),
    )


if __name__ == "__main__":
    main()
