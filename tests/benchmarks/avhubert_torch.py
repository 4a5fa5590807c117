"""The encoder of AV-HuBERT (Shi et al., ICLR 2022) in plain PyTorch, in turns.

    python -m tests.benchmarks.avhubert_torch DIR STREAM PRECISION

Written from the description of the network, for an interpreter with torch; see avhubert_speed.py.
DIR/batch.npz has the input of one batch and DIR/sizes.json the sizes of the network. PRECISION is
"float32", or for bfloat16 "autocast" or "cast", which holds all of the network in it. The weights
are random; the modules have the names of the published ones. The batch norms and the norm of the
weights of the position embedding are part of the network; attention is PyTorch's fused one.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tests.benchmarks.turns import serve

STACKED_BANDS = 104
GREY_MEAN, GREY_DEVIATION = 0.421, 0.165
STEM_WIDTH, WIDTHS = 64, (64, 128, 256, 512)
KERNEL_FRAMES, GROUPS = 128, 16
HEAD_CHANNELS = 64


def main(directory: Path, stream: str, precision: str) -> None:
    sizes = json.loads((directory / "sizes.json").read_text())
    torch.manual_seed(0)
    network = Encoder(**sizes).eval()
    randomise_norms(network)
    weights = directory / "weights.pt"
    if not weights.exists():  # the same in all processes
        torch.save({"model": published_names(network)}, weights)
    with np.load(directory / "batch.npz") as batch:
        frames, sound = (torch.from_numpy(batch[name]) for name in ("frames", "sound"))
    if precision == "cast":
        network, sound = network.bfloat16(), sound.bfloat16()

    @torch.inference_mode()
    def extract() -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "autocast"):
            return network(frames, None) if stream == "visual" else network(None, sound)

    np.save(directory / f"{stream}_{precision}.npy", extract().float().numpy())
    serve(repeated(extract, num_frames=sound.shape[0] * sound.shape[1]), read_ahead=0)


def repeated(extract: Callable[[], torch.Tensor], *, num_frames: int) -> Callable[[int], int]:
    def work(num_batches: int) -> int:
        for _ in range(num_batches):
            extract()
        return num_batches * num_frames

    return work


class Encoder(nn.Module):
    """Crops [b t 88 88] uint8 or stacked filterbanks [b t 104] to features [b t d]."""

    def __init__(self, embedding: int, feed_forward: int, num_layers: int):
        super().__init__()
        self.feature_extractor_audio = nn.Module()
        self.feature_extractor_audio.proj = nn.Linear(STACKED_BANDS, embedding)
        self.feature_extractor_video = nn.Module()
        self.feature_extractor_video.resnet = ResNet()
        self.feature_extractor_video.proj = nn.Linear(WIDTHS[-1], embedding)
        self.layer_norm = nn.LayerNorm(2 * embedding)
        self.post_extract_proj = nn.Linear(2 * embedding, embedding)
        self.encoder = Transformer(embedding, feed_forward, num_layers)

    def forward(self, frames: torch.Tensor | None, sound: torch.Tensor | None) -> torch.Tensor:
        if frames is not None:
            weight = self.post_extract_proj.weight
            pixels = (frames.to(weight.dtype) / 255 - GREY_MEAN) / GREY_DEVIATION
            video = self.feature_extractor_video
            present = video.proj(video.resnet(pixels[:, None]))
            streams = [torch.zeros_like(present), present]
        else:
            present = self.feature_extractor_audio.proj(sound)
            streams = [present, torch.zeros_like(present)]
        return self.encoder(self.post_extract_proj(self.layer_norm(torch.cat(streams, dim=-1))))


class ResNet(nn.Module):
    """Pixels [b 1 t 88 88] to [b t 512]."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Conv3d(1, STEM_WIDTH, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False)
        norm, slopes = nn.BatchNorm3d(STEM_WIDTH), nn.PReLU(STEM_WIDTH)
        self.frontend3D = nn.Sequential(
            stem, norm, slopes, nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        )
        before, stages = STEM_WIDTH, {}
        for stage, width in enumerate(WIDTHS):
            first = ResidualBlock(before, width, 2 if stage > 0 else 1)
            stages[f"layer{stage + 1}"] = nn.Sequential(first, ResidualBlock(width, width, 1))
            before = width
        self.trunk = nn.ModuleDict(stages)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.frontend3D(pixels)
        batch, _, time, *_ = x.shape
        x = x.transpose(1, 2).flatten(0, 1)
        for stage in self.trunk.values():
            x = stage(x)
        return x.mean(dim=(2, 3)).reshape(batch, time, -1)


class ResidualBlock(nn.Module):
    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(width), nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(width), nn.PReLU(width)
        self.downsample = nn.Sequential()
        if stride > 1:
            shortcut = nn.Conv2d(before, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + self.downsample(x))


class Transformer(nn.Module):
    """A convolution over 128 frames, pre-norm blocks and a last norm."""

    def __init__(self, embedding: int, feed_forward: int, num_layers: int):
        super().__init__()
        self.pos_conv = nn.Sequential(nn.Conv1d(embedding, embedding, KERNEL_FRAMES, groups=GROUPS))
        blocks = (Block(embedding, feed_forward) for _ in range(num_layers))
        self.layers = nn.ModuleList(blocks)
        self.layer_norm = nn.LayerNorm(embedding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = (KERNEL_FRAMES // 2, KERNEL_FRAMES // 2 - 1)
        positions = self.pos_conv(functional.pad(x.transpose(1, 2), padding))
        x = x + functional.gelu(positions.transpose(1, 2))
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class Block(nn.Module):
    def __init__(self, embedding: int, feed_forward: int):
        super().__init__()
        names = ("q_proj", "k_proj", "v_proj", "out_proj")
        self.self_attn = nn.ModuleDict({name: nn.Linear(embedding, embedding) for name in names})
        self.self_attn_layer_norm = nn.LayerNorm(embedding)
        self.fc1 = nn.Linear(embedding, feed_forward)
        self.fc2 = nn.Linear(feed_forward, embedding)
        self.final_layer_norm = nn.LayerNorm(embedding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.self_attn_layer_norm(x)
        heads = (
            self.self_attn[name](normed).unflatten(-1, (-1, HEAD_CHANNELS)).transpose(1, 2)
            for name in ("q_proj", "k_proj", "v_proj")
        )
        attended = functional.scaled_dot_product_attention(*heads)
        x = x + self.self_attn["out_proj"](attended.transpose(1, 2).flatten(2))
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))


def randomise_norms(network: nn.Module) -> None:
    """Statistics and slopes as a trained network has them: none at its neutral value."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.4)


def published_names(network: nn.Module) -> dict[str, torch.Tensor]:
    """The weights as in the published files, for avsync.convert.avhubert."""
    state = dict(network.state_dict())
    weight = state.pop("encoder.pos_conv.0.weight")
    norm = weight.double().square().sum(dim=(0, 1), keepdim=True).sqrt().float()
    return {**state, "encoder.pos_conv.0.weight_v": weight, "encoder.pos_conv.0.weight_g": norm}


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
