"""The cases of accelerator.py: trainings, extractions and scoring, each with its knobs."""

import argparse
import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from unittest import mock

import jax
import numpy as np

from avsync import build, parallel, scoring
from avsync.config import Config, default, encoder, files, with_changes
from avsync.features.extractor import FeatureExtractor, FrozenEncoder
from avsync.models.heads import fusion_mlp
from avsync.train.flops import count_flops
from avsync.types import Batch
from tests.benchmarks import avsync_loop, extraction, random_clips, random_features, scaling_loop

DTYPES = ("float32", "bfloat16")

CLIP_FRAMES = 75


class Size(NamedTuple):
    """Clips per update and frames per batch, small and large, and the sizes of AV-HuBERT."""

    num_clips: int
    head: tuple[int, int]
    aligner: tuple[int, int]
    extraction: tuple[int, int]
    finetune: tuple[int, int]
    encoders: dict[str, dict[str, int]]
    scored: tuple[int, int]


SIZES = {
    "full": Size(
        num_clips=256,
        head=(32, 128),
        aligner=(8, 64),
        extraction=(2048, 8192),
        finetune=(4, 16),
        encoders={"base": extraction.SIZES["base"], "Large": extraction.SIZES["large"]},
        scored=(1, 64),
    ),
    "tiny": Size(
        num_clips=8,
        head=(4, 8),
        aligner=(2, 4),
        extraction=(75, 150),
        finetune=(1, 2),
        encoders={"of 2 blocks": extraction.SIZES["small"]},
        scored=(1, 4),
    ),
}


class Work(Protocol):
    """What is measured; `run` returns the number of frames, `data_wait` None without an input."""

    def run(self, times: int) -> int: ...
    def data_wait(self) -> float | None: ...
    def cost(self) -> tuple[Counter[str], Any]: ...


class Case(NamedTuple):
    what: str
    knobs: str
    start: Callable[[], contextlib.AbstractContextManager[Work]]


class _Training:
    def __init__(self, loop: avsync_loop.Loop):
        self.run, self.data_wait, self.cost = loop.train, loop.data_wait, loop.cost


@contextlib.contextmanager
def training(config: Config, *, form: str = "auto", donate_state: bool = True) -> Iterator[Work]:
    """The updates of a training; `form` is that of the paper's head."""
    choose = functools.partial(fusion_mlp.form_for, form) if form != "auto" else None
    with contextlib.ExitStack() as stack:
        if choose:

            def forced(_: str, platform: str, *, num_frames: int) -> str:
                return choose(platform, num_frames=num_frames)

            stack.enter_context(mock.patch.object(fusion_mlp, "form_for", forced))
        loop = avsync_loop.Loop(config, donate_state=donate_state)
        stack.callback(loop.close)
        yield _Training(loop)


def head(size: Size, folder: Path) -> Iterator[Case]:
    random_features.main(folder, size.num_clips)
    few, many = size.head

    def case(knobs: str, form: str, *, clips: int = few, dtype: str = "bfloat16", **more: Any):
        remat = more.pop("remat", "none")
        config = avsync_loop.make_config(folder, clips, 100)
        config = with_changes(config, {"model.dtype": dtype, "train.remat": remat})
        start = functools.partial(training, config, form=form, **more)
        return Case("head training", f"{knobs}, {clips} clips of 100 frames", start)

    for dtype in DTYPES:
        yield case(f"{dtype}, scan", "scan", dtype=dtype)
        yield case(f"{dtype}, all offsets at once", "batch", dtype=dtype)
    yield case("bfloat16, all offsets at once", "batch", clips=many)
    yield case("bfloat16, all offsets at once, remat", "batch", remat="cheap")
    yield case("bfloat16, all offsets at once, state not donated", "batch", donate_state=False)


def aligner(size: Size, folder: Path) -> Iterator[Case]:
    _write_clips(size, folder)
    few, many = size.aligner

    def case(knobs: str, *, clips: int, dtype: str, remat: str = "none", donate_state: bool = True):
        config = _on_clips(default(), folder, clips=clips)
        config = with_changes(config, {"model.dtype": dtype, "train.remat": remat})
        start = functools.partial(training, config, donate_state=donate_state)
        return Case("small aligner training", f"{dtype}{knobs}, {clips} clips of 75 frames", start)

    for dtype in DTYPES:
        for clips in (few, many):
            yield case("", clips=clips, dtype=dtype)
    yield case(", remat", clips=many, dtype="bfloat16", remat="cheap")
    yield case(", state not donated", clips=many, dtype="bfloat16", donate_state=False)


def finetune(size: Size, folder: Path) -> Iterator[Case]:
    _write_clips(size, folder)
    few, many = size.finetune
    name, sizes = list(size.encoders.items())[-1]

    def case(*, clips: int, dtype: str, remat: str):
        config = files.run(files.CONFIG, "avh_align:finetune")
        config = _on_clips(config, folder, clips=clips)
        config.model.visual = encoder("avhubert", modality="both", remat=remat, **sizes)
        config.model.dtype = dtype
        if sizes.get("num_layers", 24) <= 2:
            config.train.freeze = config.train.freeze.replace("[-2:]", "[-1:]")
        knobs = f"{dtype}, remat {remat}, {clips} clips of 75 frames"
        return Case(f"fine-tuning AV-HuBERT {name}", knobs, functools.partial(training, config))

    yield case(clips=few, dtype="float32", remat="blocks")
    yield case(clips=few, dtype="bfloat16", remat="blocks")
    yield case(clips=many, dtype="bfloat16", remat="blocks")
    yield case(clips=many, dtype="bfloat16", remat="none")


def _write_clips(size: Size, folder: Path) -> None:
    if not (folder / "clips").exists():
        random_clips.write(folder / "clips", num_clips=size.num_clips)


def _on_clips(config: Config, folder: Path, *, clips: int) -> Config:
    config.data.update(dataset=random_clips.NAME, data_dir=str(folder / "clips"), val_split="train")
    config.data.update(batch_size=clips, window_frames=CLIP_FRAMES, trim="none")
    config.train.update(num_epochs=0, num_steps=1_000_000)
    return config


class _Extraction:
    def __init__(self, model: Any, stream: str, found: FrozenEncoder, frames: int, dtype: str):
        self._extractor = FeatureExtractor(found, frames_per_batch=frames, dtype=dtype)
        self._encoder, self._channels = found, {stream: model.embedding}
        rows = jax.local_device_count() * max(frames // CLIP_FRAMES, 1)
        options = argparse.Namespace(
            num_clips=2 * rows, shortest_frames=CLIP_FRAMES, longest_frames=CLIP_FRAMES
        )
        self._clips = list(extraction.random_clips(options))
        self._flops = (
            2
            * frames
            // CLIP_FRAMES
            * CLIP_FRAMES
            * extraction.frame_flops(model, stream, CLIP_FRAMES)
        )
        self._dtype, self._rows = dtype, rows // jax.local_device_count()

    def run(self, times: int) -> int:
        for _ in range(times):
            self._extractor.extract(self._clips, channels=self._channels, advance=lambda _: None)
        return times * len(self._clips) * CLIP_FRAMES

    def data_wait(self) -> None:
        """The clips are in memory."""

    def cost(self) -> tuple[Counter[str], Any]:
        batch = jax.tree.map(lambda x: np.repeat(x, self._rows, 0), extraction.like(CLIP_FRAMES))
        compiled = jax.jit(self._encoder.extract).lower(self._encoder.params, batch).compile()
        return Counter({self._dtype: self._flops}), compiled.memory_analysis()


def extract(size: Size, _: Path) -> Iterator[Case]:
    few, many = size.extraction

    for name, sizes in size.encoders.items():
        for stream in ("visual", "audio"):
            shapes = functools.cache(functools.partial(_encoder, stream, sizes))
            knobs = [(dtype, few) for dtype in DTYPES] if name != "base" else [("bfloat16", few)]
            for dtype, frames in [*knobs, ("bfloat16", many)]:
                yield Case(
                    f"extraction, AV-HuBERT {name}, {stream}",
                    f"{dtype}, {frames} frames at once",
                    functools.partial(_extracting, shapes, stream, sizes, frames, dtype),
                )


def _encoder(stream: str, sizes: dict[str, int]) -> Any:
    """Random parameters, which do not depend on the dtype of the activations."""
    model = extraction.make_model(argparse.Namespace(dtype="float32"), **sizes)
    return extraction.make_encoder(model, stream).params


@contextlib.contextmanager
def _extracting(
    params: Callable[[], Any], stream: str, sizes: dict[str, int], frames: int, dtype: str
) -> Iterator[Work]:
    model = extraction.make_model(argparse.Namespace(dtype=dtype), **sizes)
    found = extraction.make_encoder(model, stream, params())
    yield _Extraction(model, stream, found, frames, dtype)


class _Scoring:
    def __init__(self, config: Config, clips: int):
        model = build.make_model(config)
        params = build.init_params(model, build.inputs_like(), seed=0)
        scorer = build.make_scorer(config, params, extraction=None)

        def score(params: Any, batch: Batch) -> jax.Array:
            logits = scorer.apply(params, batch.visual, batch.audio, batch.valid)
            frames = scoring.frame_scores(logits, name=scorer.frame_score)
            return scoring.clip_score(frames, batch.valid, pooling=scorer.pooling)

        self._score = parallel.map_scores(score)
        self._params = parallel.replicate_local(params)
        self._batch = scaling_loop.a_batch(clips * jax.local_device_count())

    def run(self, times: int) -> int:
        for _ in range(times):
            # The score is waited for: this is the time in which a clip is scored.
            jax.block_until_ready(self._score(self._params, parallel.shard_batch(self._batch)))
        return times * self._batch.valid.size

    def data_wait(self) -> None:
        """The clips are in memory."""

    def cost(self) -> tuple[Counter[str], Any]:
        inputs = self._params, parallel.shard_batch(self._batch)
        compiled = self._score.lower(*inputs).compile()
        return count_flops(self._score, *inputs), compiled.memory_analysis()


def score(size: Size, _: Path) -> Iterator[Case]:
    for clips in size.scored:
        for dtype in DTYPES:
            yield Case(
                "scoring, small aligner",
                f"{dtype}, {clips} clip{'s' if clips > 1 else ''} of 75 frames at once",
                functools.partial(_scoring, clips, dtype),
            )


@contextlib.contextmanager
def _scoring(clips: int, dtype: str) -> Iterator[Work]:
    yield _Scoring(with_changes(default(), {"model.dtype": dtype}), clips)


GROUPS: dict[str, Callable[[Size, Path], Iterator[Case]]] = {
    "head": head,
    "aligner": aligner,
    "score": score,
    "extract": extract,
    "finetune": finetune,
}
