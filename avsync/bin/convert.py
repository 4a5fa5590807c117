"""A published PyTorch file to a checkpoint of avsync, without PyTorch.

    avsync-convert avh_align --source=AVH-Align_AV1M.pt --out=runs/avh_align
    avsync-convert avhubert --source=self_large_vox_433h.pt --out=weights/avhubert

The file's own code is never run. Writes config.json and checkpoints/0/, as a training does.
"""

import json
from pathlib import Path

from absl import flags

from avsync import lookup
from avsync.bin.base import UsageError, run_binary, suppress_stderr

SOURCE = flags.DEFINE_string("source", None, "The file, as published.", required=True)
OUT = flags.DEFINE_string("out", None, "The workdir to write.", required=True)

READER = "torch_file"  # lies beside the kinds of files and reads them all


def main(arguments: list[str]) -> None:
    kinds = [name for name in lookup.names("convert") if name != READER]
    if len(arguments) != 1:
        raise UsageError(f"say which kind of file it is, one of: {', '.join(kinds)}")
    if arguments[0] not in kinds:
        raise UsageError(lookup.unknown("kind of file", arguments[0], kinds))
    source, out = (Path(path.value).expanduser() for path in (SOURCE, OUT))
    if not source.is_file():
        raise UsageError(f"--source must be a file, not {source}")
    with suppress_stderr():  # and not at the top: --help need not wait for JAX
        from avsync import checkpoint
        from avsync.config import default, with_changes
        from avsync.convert import torch_file

    contents = torch_file.read(source)
    try:
        params, changes = lookup.load("convert", arguments[0]).convert_file(contents)
    except ValueError as error:
        raise ValueError(f"{source} cannot be converted as {arguments[0]}: {error}") from error
    config = with_changes(default(), changes)
    checkpoint.write_config(out, json.loads(config.to_json()))
    checkpoint.write_params(out, params)
    print(f"converted: {out}")


def run() -> None:
    """The console script `avsync-convert`."""
    run_binary(main, positional="KIND")


if __name__ == "__main__":
    run()
