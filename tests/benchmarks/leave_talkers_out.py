"""Fine-tunes the shipped scorer on some talkers and scores the others, each talker left out once.

    python -m tests.benchmarks.leave_talkers_out --source=GRID_SPEAKERS --out=runs/left_out

For a few videos of as many talkers, too few for `avsync-adapt`: in each of --folds, the recipe of
`configs/adapt.py` trains on the talkers of the other folds, and scores the real clips and fakes of
those that it has not heard (see `tests.benchmarks.strangers`). The lines of all folds together are
compared with those of the shipped scorer for the same clips. The donors of swapped and spliced
sound may be talkers that were trained on.
"""

import argparse
import csv
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from avsync import pretrained, runtime
from avsync.datasets.base import open_source
from avsync.input_pipeline.clips import read_clips
from tests.benchmarks.strangers import measure, plan, score, table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True, help="a video of each talker")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="adapt", help="the recipe, adapt:test for a try")
    parser.add_argument("--folds", type=int, default=4)
    args = parser.parse_args(arguments)
    runtime.start()
    videos = sorted(path for path in args.source.iterdir() if path.is_file())
    data = args.out / "data"
    _prepare(data / "all", {path: "test" for path in videos})
    source = open_source("folder", "test", data_dir=data / "all")
    clips = list(read_clips(source, range(source.num_clips)))
    items = list(plan(clips, seed=0))
    fakes, before, after = [], [], []
    for fold in range(args.folds):
        heard = [path for i, path in enumerate(videos) if i % args.folds != fold]
        start = time.monotonic()
        workdir = _tune(args.config, args.out / f"fold{fold}", data / str(fold), heard)
        print(f"fold {fold}: {len(heard)} talkers, {time.monotonic() - start:.0f} s", flush=True)
        names = {path.stem for path in heard}
        held = [item for item in items if clips[item[0].clip].clip_id not in names]
        fakes += [fake for fake, _ in held]
        before += score(str(pretrained.GRID), held)
        after += score(str(workdir), held)
    lines = {"shipped": before, "fine-tuned on other talkers": after}
    print(f"{len(clips)} talkers, a clip each")
    rows = {name: measure(fakes, each, num_clips=len(clips)) for name, each in lines.items()}
    print("\n".join([*table(rows)][:-1]))  # without the mean of both


def _tune(config: str, workdir: Path, data_dir: Path, videos: Sequence[Path]) -> Path:
    """The last checkpoint of a training on these videos."""
    _prepare(data_dir, dict.fromkeys(videos, "train"))
    # They also validate, which chooses nothing: the last checkpoint is used, as by avsync-adapt.
    flags = [f"--config={config}", f"--workdir={workdir}", f"--config.data.data_dir={data_dir}"]
    flags += ["--config.data.val_split=train", f"--config.train.init_from={pretrained.GRID}"]
    _run("train", *flags)
    checkpoints = (workdir / "checkpoints").iterdir()
    return max((path for path in checkpoints if path.name.isdigit()), key=lambda p: int(p.name))


def _prepare(data_dir: Path, splits: dict[Path, str]) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    manifest = data_dir / "manifest.csv"
    with manifest.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "clip_id", "identity", "split"])
        for path, split in splits.items():
            writer.writerow([path.absolute(), 0, path.stem, path.stem, split])
    _run("prepare", "--dataset=folder", f"--source={manifest}", f"--data_dir={data_dir}")


def _run(name: str, *flags: str) -> None:
    subprocess.run([sys.executable, "-m", f"avsync.bin.{name}", *flags], check=True)


if __name__ == "__main__":
    main()
