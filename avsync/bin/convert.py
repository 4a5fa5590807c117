"""Converts a published PyTorch file to an avsync checkpoint, or joins two checkpoints into one.

    avsync-convert avhubert --source=self_large_vox_433h.pt --out=weights/avhubert
    avsync-convert avh_align --source=AVH-Align_AV1M.pt --out=runs/avh_align   # or avh_align_sup
    avsync-convert syncnet --source=syncnet_v2.model --out=weights/syncnet
    avsync-convert join --encoder=weights/avhubert --head=runs/avh_align --out=runs/avh_align_full

PyTorch is not needed, and code in the file is never run. Like a training, it writes config.json and
checkpoints/0/. A head scores extracted features; joined with the encoder of its features it is a
whole model, which scores clips and videos.
"""

from pathlib import Path

from absl import flags

from avsync import lookup
from avsync.bin.base import UsageError, existing, run_binary, say, suppress_stderr

SOURCE = flags.DEFINE_string("source", None, "Published file (.pt).")
ENCODER = flags.DEFINE_string("encoder", None, "join: checkpoint of the encoder.")
HEAD = flags.DEFINE_string("head", None, "join: checkpoint of the head.")
OUT = flags.DEFINE_string("out", None, "Workdir to write.", required=True)

JOIN = "join"
READER = "torch_file"  # a module of avsync.convert that is not a kind of file


def main(arguments: list[str]) -> None:
    kinds = [JOIN, *(name for name in lookup.names("convert") if name != READER)]
    if len(arguments) != 1:
        raise UsageError(f"expected one KIND: {', '.join(kinds)}")
    if (kind := arguments[0]) not in kinds:
        raise UsageError(lookup.unknown("kind", kind, kinds))
    out = Path(str(OUT.value)).expanduser()
    given = {"source": SOURCE.value, "encoder": ENCODER.value, "head": HEAD.value}
    needed = ("encoder", "head") if kind == JOIN else ("source",)
    if {name for name, value in given.items() if value} != set(needed):
        raise UsageError(f"{kind} takes --{' and --'.join(needed)}, and --out")
    paths = [existing(str(given[name]), f"--{name}:") for name in needed]
    _join(paths[0], paths[1], out) if kind == JOIN else _convert(kind, paths[0], out)


def _join(encoder: Path, head: Path, out: Path) -> None:
    with suppress_stderr():  # imported here: --help need not wait for JAX
        from avsync import checkpoint, trained

    try:
        workdir, step = checkpoint.find(head)
        whole = trained.load(workdir, step, encoder=encoder)
    except ValueError as error:
        raise UsageError(str(error)) from error
    trained.write(whole, out, calibration=checkpoint.read_calibration(workdir, step))
    say(f"joined: {out}{trained.unchecked(whole, head=workdir)}")


def _convert(kind: str, source: Path, out: Path) -> None:
    if not source.is_file():
        raise UsageError(f"--source: not a file: {source}")
    with suppress_stderr():
        from avsync import trained
        from avsync.convert import torch_file

    contents = torch_file.read(source)
    try:
        converted = lookup.load("convert", kind).convert_file(contents)
    except ValueError as error:
        raise ValueError(f"cannot convert {source} as {kind}: {error}") from error
    trained.write_converted(converted, out)
    say(f"converted: {out}")


def run() -> None:
    """The console script `avsync-convert`."""
    run_binary(main, positional="KIND")


if __name__ == "__main__":
    run()
