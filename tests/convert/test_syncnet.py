"""The published layout of SyncNet: every tensor is accounted for, in old and new files."""

import numpy as np
import pytest

from avsync.convert import syncnet, torch_file
from tests.convert.torch_legacy import write_tensors
from tests.models.syncnet_weights import Weights


class Ones:
    """A tensor of ones, created when it is read."""

    def __init__(self, *shape: int):
        self.shape = shape

    def numpy(self) -> np.ndarray:
        return np.ones(self.shape, np.float32)


def ones() -> dict[str, Ones]:
    return {name: Ones(*shape) for name, shape in syncnet.shapes().items()}


def test_the_published_file_has_54_mb_of_weights():
    assert sum(int(np.prod(shape)) for shape in syncnet.shapes().values()) == 13_640_256


def test_a_batch_norm_is_folded_into_the_layer_before_it():
    """(2 x + 1 - 3) / sqrt(4) * 6 + 5 = 6 x - 1, but for the epsilon of 1e-5."""
    state = ones()
    layer = {"0.weight": 2, "0.bias": 1, "1.running_mean": 3, "1.running_var": 4}
    for name, value in {**layer, "1.weight": 6, "1.bias": 5}.items():
        shape = syncnet.shapes()[f"netcnnaud.{name}"]
        state[f"netcnnaud.{name}"] = Weights(np.full(shape, value, np.float32))
    conv = syncnet.convert(state)["sound_tower"]["conv1"]
    assert conv["kernel"].shape == (3, 3, 1, 64)
    np.testing.assert_allclose(conv["kernel"], 6, rtol=1e-5)
    np.testing.assert_allclose(conv["bias"], -1, rtol=1e-4)


def test_the_network_takes_red_green_and_blue_where_the_file_takes_blue_first():
    state = ones()
    kernel = np.zeros((96, 3, 5, 7, 7), np.float32)
    kernel[:, :, 1] = np.arange(3)[:, None, None]  # of the second frame: blue 0, green 1, red 2
    state["netcnnlip.0.weight"] = Weights(kernel)
    converted = syncnet.convert(state)["face_tower"]["conv1"]["kernel"]
    assert converted.shape == (7, 7, 15, 96)
    np.testing.assert_allclose(
        converted[3, 3, :, 0], [0, 0, 0, 2, 1, 0] + 9 * [0], rtol=1e-5, atol=1e-7
    )


def test_counters_of_batches_are_ignored():
    state = ones() | {"netcnnlip.1.num_batches_tracked": Ones()}
    assert syncnet.convert(state).keys() == {"face_tower", "sound_tower"}


def test_a_file_of_pytorch_0_3_is_converted(tmp_path):
    tensors = {name: tensor.numpy() for name, tensor in ones().items()}
    contents = torch_file.read(write_tensors(tmp_path / "syncnet_v2.model", tensors))
    checkpoint = syncnet.convert_file(contents)
    assert checkpoint.metric == "lse"
    assert checkpoint.params["face_tower"]["dense2"]["kernel"].shape == (512, 1024)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"netfclip.3.bias": None, "netcnnaud.1.running_var": None},
            r"not the network of syncnet_v2.model: it lacks netfclip.3.bias, netcnnaud.1.running_v",
        ),
        ({"netcnnaud.22.weight": Ones(2)}, "it has unknown tensors: netcnnaud.22.weight$"),
        (
            {"netcnnlip.0.weight": Ones(96, 1, 5, 7, 7), "netfcaud.3.bias": Ones(512)},
            r"wrong shapes: netcnnlip.0.weight is \[96, 1, 5, 7, 7\], expected \[96, 3, 5, 7, 7\], "
            r"netfcaud.3.bias is \[512\], expected \[1024\]",
        ),
    ],
)
def test_missing_unknown_and_misshapen_tensors_are_listed(changes, message):
    state = {name: value for name, value in (ones() | changes).items() if value is not None}
    with pytest.raises(ValueError, match=message):
        syncnet.convert(state)


def test_a_file_of_another_network_is_described_by_a_few_of_its_tensors():
    names = "it lacks netcnnlip.0.weight, .* and 84 more; it has unknown tensors: encoder.weight$"
    with pytest.raises(ValueError, match=names):
        syncnet.convert({"encoder.weight": Ones(2)})


def test_a_file_with_more_than_tensors_is_refused():
    with pytest.raises(ValueError, match="the file must hold tensors by name; 'epoch' is 3"):
        syncnet.convert_file({"epoch": 3})
