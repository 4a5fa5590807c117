"""Finds a prepared dataset in a folder, or in an object store through its local copy."""

from pathlib import Path

import tensorflow_datasets as tfds

from avsync import lookup
from avsync.mirror import INFO, is_address, local_data_dir
from avsync.types import TRIM_RULES


def open_builder(
    dataset: str, *, data_dir: str | Path, trim: str | None
) -> tfds.core.DatasetBuilder:
    """The TFDS builder of a dataset prepared under `data_dir`, see `base.open_source`."""
    name, _, config = dataset.partition("/")
    place, data_dir = data_dir, local_data_dir(data_dir, name)
    trims = extracted_trims(name, data_dir=data_dir)
    if trims and not config:
        if trim is None or trim not in trims:
            raise ValueError(
                f"{dataset} holds features extracted with --trim={' and '.join(trims)}, but trim "
                f"{trim!r} was requested; extract the features with it, or request {trims[0]!r}"
            )
        dataset = f"{name}/{trim}"
    if name in lookup.names("datasets"):
        lookup.load("datasets", name)  # registers the builder, so that NAME finds its first config
    try:
        builder = tfds.builder(dataset, data_dir=data_dir, try_gcs=False)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = [*lookup.names("datasets"), *_prepared_names(data_dir)]
        raise ValueError(lookup.unknown("dataset", dataset, sorted(set(known)))) from error
    if not builder.is_prepared():
        if is_address(place):
            there = ", ".join(_places(data_dir / name))
            raise ValueError(f"{dataset} is not in {place}, where {name} has {there}")
        source = " --source=DIR" if hasattr(builder, "find_media") else ""
        raise ValueError(
            f"{dataset} is not prepared in {data_dir}. Prepare it: "
            f"avsync-prepare --dataset={dataset}{source} --data_dir={data_dir}"
        )
    return builder


def extracted_trims(name: str, *, data_dir: str | Path) -> list[str]:
    """The trim rules that feature dataset `name` was extracted with; empty for clips."""
    directory = local_data_dir(data_dir, name) / name
    return [trim for trim in TRIM_RULES if any((directory / trim).glob(f"*/{INFO}"))]


def _prepared_names(data_dir: Path) -> list[str]:
    return (
        [path.name for path in data_dir.iterdir() if any(path.rglob("features.json"))]
        if data_dir.is_dir()
        else []
    )


def _places(folder: Path) -> list[str]:
    """The versions of a dataset below its folder, such as "CONFIG/1.0.0"."""
    found = [path for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{INFO}")]
    return [str(path.parent.relative_to(folder)) for path in found]
