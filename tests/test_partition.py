"""The parameters that a freeze rule names, on a model of five layers."""

import numpy as np
import pytest

from avsync.partition import ALL_TRAINED, make_partition, named, overlaid, whole


def params() -> dict:
    """An encoder with a front end, four blocks and a norm, and a head; the values tell rows."""
    rows = np.arange(4, dtype=np.float32)
    blocks = {
        "query": {"kernel": rows.reshape(4, 1, 1), "bias": rows.reshape(4, 1)},
        "norm": {"scale": rows.reshape(4, 1)},
    }
    return {
        "encoder": {"stem": {"kernel": np.ones((2, 2))}, "net": {"blocks": blocks, "top": one()}},
        "head": {"scale": one()},
    }


def one() -> np.ndarray:
    return np.ones(1)


def trained(freeze: str) -> dict[str, list[float]]:
    """The values of the trained parameters by name."""
    partition = make_partition(freeze, params())
    found = partition.trained_of(partition.split(params()))
    return {name: np.ravel(x).tolist() for name, x in named(found)}


def test_without_a_rule_everything_is_trained():
    assert make_partition("", params()) == ALL_TRAINED
    assert list(trained("")) == [name for name, _ in named(params())]


def test_a_path_freezes_all_below_it():
    assert trained("encoder") == {"head.scale": [1]}
    assert "encoder.stem.kernel" not in trained("encoder.stem")
    assert len(trained("encoder.stem")) == len(trained("")) - 1


def test_only_the_last_blocks_are_trained():
    for rule in (
        "encoder,!encoder.net.blocks[-1:]",
        "encoder,!encoder.net.blocks[3:]",
        "encoder , !encoder.net.blocks,encoder.net.blocks[:3]",
        "encoder.stem,encoder.net.top,encoder.net.blocks[0:-1]",
    ):
        assert trained(rule) == {
            "encoder.net.blocks.norm.scale": [3],
            "encoder.net.blocks.query.bias": [3],
            "encoder.net.blocks.query.kernel": [3],
            "head.scale": [1],
        }


def test_all_blocks_or_no_block_of_a_stack_is_no_split():
    assert trained("encoder,!encoder.net.blocks[:]")["encoder.net.blocks.norm.scale"] == [
        0,
        1,
        2,
        3,
    ]
    assert make_partition("encoder.net.blocks[:4]", params()).num_frozen_blocks == {}
    assert "encoder.net.blocks.norm.scale" not in trained("encoder.net.blocks[:4]")


def test_one_layer_of_the_last_blocks_may_stay_frozen():
    rule = "encoder,!encoder.net.blocks[-2:],encoder.net.blocks.norm"
    assert trained(rule) == {
        "encoder.net.blocks.query.bias": [2, 3],
        "encoder.net.blocks.query.kernel": [2, 3],
        "head.scale": [1],
    }


def test_split_parameters_are_whole_again_and_unchanged():
    partition = make_partition("encoder,!encoder.net.blocks[-1:]", params())
    split = partition.split(params())
    assert split["encoder"]["net"]["frozen_blocks"]["norm"]["scale"].ravel().tolist() == [0, 1, 2]
    again = dict(named(whole(split)))
    assert again.keys() == dict(named(params())).keys()
    for name, x in named(params()):
        np.testing.assert_array_equal(again[name], x)


def test_changes_replace_the_arrays_of_the_same_name():
    changed = overlaid(params(), {"head": {"scale": np.zeros(1)}})
    assert changed["head"]["scale"].tolist() == [0]
    assert changed["encoder"]["stem"]["kernel"].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        ("encodr", r"'encodr'; did you mean 'encoder'\? Known: encoder, head\."),
        (
            "encoder.net.block[:2]",
            r"'encoder.net.block'; did you mean 'encoder.net.blocks'\? .*encoder.net.top\.",
        ),
        ("encoder.stem.kernel.x", r"'encoder.stem.kernel.x'"),
        ("encoder.stem[:1]", r"'encoder.stem\[:1\]' selects blocks, .* ends in 'blocks'"),
        ("encoder.net.blocks.norm[:1]", "selects blocks"),
        ("encoder.net.blocks[:5]", r"encoder.net.blocks has 4 blocks"),
        ("encoder.net.blocks[-0:]", r"is not PATH, PATH\[START:STOP\] or !PATH"),
        ("encoder.net.blocks[1]", r"is not PATH"),
        ("encoder.net.blocks[2:]", r"above trained ones; .* encoder.net.blocks\[:N\]"),
        ("encoder,head", "leaves no parameter to train"),
    ],
)
def test_a_rule_that_fits_no_parameter_is_refused(freeze, message):
    with pytest.raises(ValueError, match=message):
        make_partition(freeze, params())
