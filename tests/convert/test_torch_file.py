"""Files of torch.save: values are read exactly, and no code is ever run."""

import pickle
import tracemalloc
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avsync.convert import torch_file
from tests.convert import torch_zip
from tests.convert.torch_zip import call, dict_of, name, plain, set_state, storage, tensor, tuple_of

SIX = np.arange(6, dtype=np.float32)

ONE = tensor(storage("0", 6), (6,), (1,))


def read(path: Path, pickled: bytes, values: np.ndarray = SIX, **options):
    """The contents of a file with `pickled` and one storage, "0"."""
    return torch_file.read(torch_zip.write(path, pickled, {"0": values.tobytes()}, **options))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt"


def test_a_tensor_is_read_with_its_type_shape_and_values(path):
    contents = read(
        path, dict_of({"epoch": plain(3), "w": tensor(storage("0", 6), (2, 3), (3, 1))})
    )
    assert contents["epoch"] == 3
    weights = contents["w"]
    assert (weights.shape, weights.dtype) == ((2, 3), np.float32)
    np.testing.assert_array_equal(weights.numpy(), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("HalfStorage", np.float16),
        ("BFloat16Storage", ml_dtypes.bfloat16),
        ("DoubleStorage", np.float64),
        ("LongStorage", np.int64),
        ("IntStorage", np.int32),
        ("BoolStorage", np.bool_),
        ("ByteStorage", np.uint8),
    ],
)
def test_every_type_of_weights_is_read(path, kind, dtype):
    values = np.array([0, 1, 1], dtype)
    pickled = dict_of({"w": tensor(storage("0", 3, kind), (2,), (1,), offset=1)})
    weights = read(path, pickled, values)["w"].numpy()
    assert weights.dtype == dtype
    assert weights.astype(int).tolist() == [1, 1]


def test_a_scalar_and_an_empty_tensor_are_read(path):
    empty = tensor(storage("0", 6), (0, 4), (4, 1))
    contents = read(path, dict_of({"scalar": tensor(storage("0", 6), (), (), 5), "empty": empty}))
    assert contents["scalar"].numpy() == 5
    assert contents["empty"].numpy().shape == (0, 4)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_offset_and_stride_mean_the_same_as_in_numpy(data, tmp_path_factory):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3).map(tuple))
    stride = data.draw(st.tuples(*[st.integers(1, 9) for _ in shape]))
    offset = data.draw(st.integers(0, 20))
    values = np.random.default_rng(0).normal(size=200).astype(np.float32)
    expected = np.lib.stride_tricks.as_strided(values[offset:], shape, [4 * s for s in stride])
    path = tmp_path_factory.mktemp("strided") / "model.pt"
    pickled = dict_of({"w": tensor(storage("0", 200), shape, stride, offset)})
    np.testing.assert_array_equal(read(path, pickled, values)["w"].numpy(), expected)


def test_tensors_are_read_on_demand(path):
    """Its bytes are damaged, so that reading them fails the checksum of the zip."""
    pickled = dict_of({"model": ONE, "optimizer": tensor(storage("1", 6), (6,), (1,))})
    torch_zip.write(path, pickled, {"0": SIX.tobytes(), "1": (SIX + 100).tobytes()})
    damaged = path.read_bytes().replace((SIX + 100).tobytes(), (SIX + 101).tobytes())
    path.write_bytes(damaged)
    contents = torch_file.read(path)
    assert contents["model"].numpy().tolist() == SIX.tolist()
    with pytest.raises(ValueError, match=r"model\.pt: archive/data/1 cannot be read: Bad CRC-32"):
        contents["optimizer"].numpy()


def test_reading_a_tensor_takes_little_more_than_its_own_memory(path):
    values = np.zeros(8 << 20, np.float32)  # 32 MiB, of which a quarter is read
    quarter = tensor(storage("0", len(values)), (2 << 20,), (1,), offset=1 << 20)
    contents = read(path, dict_of({"w": quarter}), values)
    tracemalloc.start()
    contents["w"].numpy()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 8 << 20 <= peak < 12 << 20


def test_parameters_ordered_dictionaries_and_their_metadata_are_read(path):
    parameter = call(name("torch._utils _rebuild_parameter"), ONE, plain(True), plain(None))
    ordered = call(name("collections OrderedDict")) + plain("w") + parameter + b"s"
    metadata = dict_of({"_metadata": call(name("collections OrderedDict"))})
    contents = read(path, dict_of({"model": set_state(ordered, metadata)}))
    weights = torch_file.state_dict(contents, entry="model")
    assert weights["w"].numpy().tolist() == SIX.tolist()


def test_objects_of_unknown_classes_are_inert_stubs(path):
    known = name("fairseq.data Dictionary")
    made = known + b")\x81"  # NEWOBJ
    filled = made + plain(1) + b"a(" + plain(2) + b"e" + plain("key") + plain(3) + b"s"
    restored = set_state(filled, plain({"symbols": ["<s>"]}))
    contents = read(path, dict_of({"task": restored, "scale": call(known, plain(1))}))
    assert repr(contents["task"]) == "<stub of fairseq.data.Dictionary>"
    assert contents["task"].state == {"symbols": ["<s>"]}
    assert len({contents["task"], contents["scale"]}) == 2  # they can be keys and members


def test_tensors_of_an_unknown_type_are_stubs(path):
    strange = tensor(storage("1", 6, "ComplexFloatStorage"), (6,), (1,))
    contents = read(path, dict_of({"model": dict_of({"w": ONE}), "strange": strange}))
    assert torch_file.state_dict(contents, entry="model")["w"].shape == (6,)
    assert repr(contents["strange"]) == "<stub of torch.ComplexFloatStorage>"


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"state_dict": ONE}, "no entry 'model'; it has 'state_dict'. Is it .* another kind"),
        ({f"w{i}": ONE for i in range(20)}, "'w6', 'w7' and 12 more"),
        ({"model": plain([1])}, "must hold tensors by name, not a list"),
        ({"model": name("net Model") + b")\x81"}, "not <stub of net.Model>"),
        (
            {"model": dict_of({"w": ONE, "b": call(name("torch load"), plain("x"))})},
            "must hold tensors by name; 'b' is <stub of torch.load>",
        ),
    ],
)
def test_a_state_dict_with_anything_but_tensors_is_refused(path, contents, message):
    with pytest.raises(ValueError, match=message):
        torch_file.state_dict(read(path, dict_of(contents)), entry="model")


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("os system", "touch {}"),
        ("posix system", "touch {}"),
        ("builtins eval", "open({!r}, 'w')"),
        ("__builtin__ eval", "open({!r}, 'w')"),
        ("builtins getattr", "{}"),
        ("subprocess check_call", "touch {}"),
        ("importlib import_module", "{}"),
    ],
)
def test_a_file_that_names_code_runs_nothing_and_is_refused(path, function, argument):
    trace = path.with_name("trace")
    attack = call(name(function), plain(argument.format(str(trace))))
    origin = function.replace(" ", r"\.")
    with pytest.raises(ValueError, match=rf"model\.pt .* {origin}, which is code and not data"):
        read(path, dict_of({"model": ONE, "extra": attack}))
    assert not trace.exists()


def test_the_attacks_of_these_tests_are_real(path):
    """Plain pickle runs the same bytes: otherwise the tests above would prove nothing."""
    trace = path.with_name("trace")
    pickle.loads(b"\x80\x02" + call(name("os system"), plain(f"touch {trace}")) + b".")
    assert trace.exists()


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (dict_of({"w": tensor(storage("0", 6), (7,), (1,))}), "needs 7 values, but .* has 6"),
        (dict_of({"w": tensor(storage("0", 6), (2, 2), (5, 1))}), "needs 7 values"),
        (dict_of({"w": tensor(storage("0", 6), (2,), (1,), 5)}), "needs 7 values"),
        (dict_of({"w": tensor(storage("0", 6), (10**9, 10**9), (0, 0))}), "needs 10{18} values"),
        (dict_of({"w": tensor(storage("0", 6), (2,), (-1,), 1)}), "none below 0"),
        (dict_of({"w": tensor(storage("0", 6), (2,), (1,), -1)}), "none below 0"),
        (dict_of({"w": tensor(storage("0", 6), (2, 3), (1,))}), "one value per axis"),
        (dict_of({"w": tensor(plain(1), (2,), (1,))}), "a tensor of 1, which is not a storage"),
        (dict_of({"w": set_state(ONE, plain({"offset": 99}))}), "changes a tensor"),
        (dict_of({"w": storage("1", 6)}), "its member archive/data/1 is missing"),
        (dict_of({"w": storage("0", 7)}), "has 24 bytes, expected 28"),
        (dict_of({"w": plain("module") + b"Q"}), "refers to data in an unknown way: 'module'"),
        (dict_of({"w": tuple_of(plain("module"), plain(1)) + b"Q"}), "in an unknown way"),
        (plain([1, 2]), "must hold a dictionary, not a list"),
        (name("net Model") + b")\x81", "must hold a dictionary, not <stub of net.Model>"),
        (b"(", "model.pt cannot be read"),
    ],
)
def test_an_invalid_pickle_is_refused(path, pickled, message):
    with pytest.raises(ValueError, match=message):
        read(path, pickled)


def test_a_big_endian_file_is_refused(path):
    with pytest.raises(ValueError, match="byte order is b'big'"):
        read(path, dict_of({"w": ONE}), byteorder=b"big")


def test_a_file_without_a_byte_order_is_read(path):
    assert read(path, dict_of({"w": ONE}), byteorder=None)["w"].shape == (6,)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(path):
    with pytest.raises(ValueError, match=r"archive/byteorder is compressed"):
        read(path, dict_of({"w": ONE}), compression=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"w": [1.0]}), "is a plain pickle"),
        (b"<html>404</html>", "does not begin like a zip file"),
        (b"", "does not begin like a zip file"),
    ],
)
def test_a_file_of_another_format_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"model.pt .*{message}"):
        torch_file.read(path)


def test_a_zip_file_of_another_kind_is_refused(path):
    np.savez(path.with_suffix(".npz"), SIX)
    with pytest.raises(ValueError, match=r"one member ROOT/data\.pkl, but has 0"):
        torch_file.read(path.with_suffix(".npz"))


@pytest.mark.parametrize("num_bytes", [1, 30, 200, 400])
def test_an_incomplete_download_is_refused(path, num_bytes):
    torch_zip.write(path, dict_of({"w": ONE}), {"0": SIX.tobytes()})
    with pytest.raises(ValueError, match=r"incomplete file of torch.save: download it again"):
        torch_file.read(torch_zip.cut(path, num_bytes))


def test_a_damaged_file_returns_values_or_raises_a_value_error(path):
    """Each byte in turn is inverted."""
    torch_zip.write(path, dict_of({"w": ONE}), {"0": SIX.tobytes()})
    whole = bytearray(path.read_bytes())
    for index in range(len(whole)):
        whole[index] ^= 0xFF
        path.write_bytes(whole)
        try:
            contents = torch_file.read(path)
            for value in contents.values():
                assert not isinstance(value, torch_file.TorchTensor) or value.numpy().size == 6
        except ValueError as error:
            assert "model.pt" in str(error)
        whole[index] ^= 0xFF


def test_the_published_layouts_are_read(testdata):
    head = torch_file.read(testdata / "avh_align_head" / "head.pt")
    weights = torch_file.state_dict(head, entry="state_dict")
    assert weights["visual_proj.weight"].numpy().shape == (512, 1024)
    assert head["args"].state["tau"] == 15
    encoder = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    weights = torch_file.state_dict(encoder, entry="model")
    assert sum(tensor.numpy().size for tensor in weights.values()) == 12_545_533
    assert encoder["cfg"]["model"]["_name"] == "av_hubert_seq2seq"
