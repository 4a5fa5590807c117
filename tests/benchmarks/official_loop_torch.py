"""The training loop of AVH-Align (Smeu et al., CVPR 2025) in plain PyTorch, in turns.

    python -m tests.benchmarks.official_loop_torch DIR BATCH_FRAMES DTYPE

Written from the paper's description, for an interpreter with torch; see alignment_head.py. The unit
of data is a frame: its visual features, and a window of 31 audio frames with zero vectors beyond
the clip. A batch is 1,024 frames in file order, the loss is summed over it, Adam's rate is 1e-5.
With DTYPE "bfloat16" the network runs under autocast; its parameters stay float32.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from tests.benchmarks.turns import serve

REACH_FRAMES = 15
CHANNELS, PROJECTION, WIDTHS = 1024, 512, (512, 256, 128)


def main(directory: Path, batch_frames: int, dtype: str) -> None:
    paths = sorted(directory.glob("npz/*.npz"))
    # No worker processes: they slow it down where the step keeps all cores busy.
    serve(make_train(paths, batch_frames, dtype), read_ahead=0)


def make_train(paths: list[Path], batch_frames: int, dtype: str) -> Callable[[int], int]:
    """`train(num_updates)`, which continues from its last call and returns the number of frames."""
    model = AlignmentNetwork()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-5)
    batches = endless(DataLoader(FrameWindows(paths), batch_size=batch_frames))

    def train(num_updates: int) -> int:
        num_frames = 0
        for _ in range(num_updates):
            visual, audio_window = next(batches)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
                logits = model(visual, audio_window)
            loss = -logits.float().log_softmax(dim=-1)[:, REACH_FRAMES].sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            num_frames += len(visual)
        return num_frames

    return train


def endless(loader: DataLoader) -> Iterator[list[torch.Tensor]]:
    while True:
        yield from loader


class FrameWindows(Dataset):
    """A frame [d] and the audio around it [k d], of all clips in file order."""

    def __init__(self, paths: list[Path]):
        self.frames = []
        for path in paths:
            with np.load(path) as features:
                self.frames += [(path, t) for t in range(len(features["visual"]))]
        self.open_path: Path | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        path, t = self.frames[index]
        if path != self.open_path:  # a clip is read once and cached for its other frames
            with np.load(path) as features:
                visual, audio = (unit(features[name]) for name in ("visual", "audio"))
            self.visual = visual
            self.audio = np.pad(audio, ((REACH_FRAMES, REACH_FRAMES), (0, 0)))
            self.open_path = path
        return self.visual[t], self.audio[t : t + 2 * REACH_FRAMES + 1]


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class AlignmentNetwork(nn.Module):
    """A frame [b d] and the audio around it [b k d] to logits [b k]: all layers for each pair."""

    def __init__(self) -> None:
        super().__init__()
        self.visual_proj = nn.Linear(CHANNELS, PROJECTION)
        self.audio_proj = nn.Linear(CHANNELS, PROJECTION)
        layers: list[nn.Module] = []
        before = 2 * PROJECTION
        for width in WIDTHS:
            layers += [nn.Linear(before, width), nn.LayerNorm(width), nn.ReLU()]
            before = width
        self.mlp = nn.Sequential(*layers, nn.Linear(before, 1))

    def forward(self, visual: torch.Tensor, audio_window: torch.Tensor) -> torch.Tensor:
        visual = visual[:, None].expand_as(audio_window)
        pairs = torch.cat([self.visual_proj(visual), self.audio_proj(audio_window)], dim=-1)
        return self.mlp(pairs)[..., 0]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
