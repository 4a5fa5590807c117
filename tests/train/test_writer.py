"""Metrics of a training: the same values in metrics.jsonl and in TensorBoard."""

import json
import math

import pytest

from avsync.train.writer import FILE, MetricsWriter


def write(workdir, *, first_step: int, steps: range) -> None:
    with MetricsWriter(workdir, first_step=first_step) as writer:
        for step in steps:
            writer.write(step, split="train", loss=1 / step, frames=10 * step)


def read(workdir) -> list[dict]:
    return [json.loads(line) for line in (workdir / FILE).read_text().splitlines()]


def test_a_resumed_run_drops_lines_it_repeats_and_an_incomplete_line(tmp_path):
    write(tmp_path, first_step=0, steps=range(1, 5))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"step": 5, "spl')
    write(tmp_path, first_step=2, steps=range(3, 7))
    assert [line["step"] for line in read(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_values_that_are_not_finite_are_null(tmp_path):
    with MetricsWriter(tmp_path, first_step=0) as writer:
        writer.write(1, split="val", loss=math.nan, scale=math.inf)
    assert read(tmp_path) == [{"step": 1, "split": "val", "loss": None, "scale": None}]


def test_tensorboard_has_the_values_of_the_file(tmp_path):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write(tmp_path, first_step=0, steps=range(1, 5))
    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    decode = pytest.importorskip("tensorboard.util.tensor_util").make_ndarray
    for name in ("loss", "frames"):
        shown = [
            (event.step, decode(event.tensor_proto).item())
            for event in events.Tensors(f"train/{name}")
        ]
        assert shown == [(line["step"], pytest.approx(line[name])) for line in read(tmp_path)]
