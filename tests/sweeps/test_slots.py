import pytest

from avsync.sweeps.slots import make_slots, visible_gpus


def test_each_of_several_runs_has_a_gpu_of_its_own():
    assert make_slots(2, gpus=["0", "3", "5"]) == [
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "3"},
    ]


def test_a_single_run_has_all_gpus_and_without_gpus_nothing_is_shared_out():
    assert make_slots(1, gpus=["0", "1"]) == [{}]
    assert make_slots(3, gpus=[]) == [{}, {}, {}]


def test_more_runs_than_gpus_are_refused():
    with pytest.raises(ValueError, match=r"--jobs=3 runs at a time on 2 GPUs; .* --jobs=2"):
        make_slots(3, gpus=["0", "1"])


def test_gpus_that_were_hidden_from_the_sweep_are_hidden_from_its_runs():
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "2,GPU-8a"}) == ["2", "GPU-8a"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []
