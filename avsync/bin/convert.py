"""Converts a published PyTorch file to an avsync checkpoint, without PyTorch.

    avsync-convert avh_align --source=AVH-Align_AV1M.pt --out=runs/avh_align
    avsync-convert avhubert --source=self_large_vox_433h.pt --out=weights/avhubert
    avsync-convert syncnet --source=syncnet_v2.model --out=weights/syncnet

Code in the file is never run. Like a training, it writes config.json and checkpoints/0/.
"""

import json
from pathlib import Path

from absl import flags

from avsync import lookup
from avsync.bin.base import UsageError, run_binary, suppress_stderr

SOURCE = flags.DEFINE_string("source", None, "Published file of PyTorch.", required=True)
OUT = flags.DEFINE_string("out", None, "Workdir to write.", required=True)

READER = "torch_file"  # a module of avsync.convert that is not a kind of file


def main(arguments: list[str]) -> None:
    kinds = [name for name in lookup.names("convert") if name != READER]
    if len(arguments) != 1:
        raise UsageError(f"expected one KIND of file: {', '.join(kinds)}")
    try:
        kind = lookup.require("kind of file", arguments[0], kinds)
    except ValueError as error:
        raise UsageError(str(error)) from error
    source, out = (Path(path.value).expanduser() for path in (SOURCE, OUT))
    if not source.is_file():
        raise UsageError(f"--source: file not found: {source}")
    with suppress_stderr():  # imported here: --help need not wait for JAX
        from avsync import checkpoint
        from avsync.config import default, with_changes
        from avsync.convert import torch_file
        from avsync.convert.base import MetricNetwork

    contents = torch_file.read(source)
    try:
        converted = lookup.load("convert", kind).convert_file(contents)
    except ValueError as error:
        raise ValueError(f"cannot convert {source} as {kind}: {error}") from error
    if isinstance(converted, MetricNetwork):
        config = {"metric": converted.metric}
    else:
        config = json.loads(with_changes(default(), converted.config).to_json())
    checkpoint.write_config(out, config)
    checkpoint.write_params(out, converted.params)
    print(f"converted: {out}")


def run() -> None:
    """The console script `avsync-convert`."""
    run_binary(main, positional="KIND")


if __name__ == "__main__":
    run()
