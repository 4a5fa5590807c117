"""Datasets in object stores (s3://, gs://, …): local copies, of which each file is fetched once.

An object store is read through fsspec, with its package for the scheme (the extras `s3` and `gs`)
and the credentials and settings that this package finds. Opening a dataset asks the store which
files it has, and copies the small ones. A shard is fetched whole when it is first read, by whoever
reads it, so that each machine fetches the shards of its own clips, and later epochs read its disk.

The cache, $AVSYNC_DATA_CACHE or ~/.cache/avsync/data:

NAME-KEY/                        a version of a dataset; KEY is a hash of its address and its files
NAME-KEY/store.json              its address, and the size of each file that the store has
views/KEY/NAME[/CONFIG]/VERSION  links to versions, as TFDS looks for them

A dataset that has changed in the store has another key: files of two contents never mix.
"""

import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import os
import posixpath
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avsync import lookup
from avsync.files import atomic_write, in_use, remove_unfinished, replacing, unfinished_path

CACHE = "AVSYNC_DATA_CACHE"

STORE, LOCKS, VIEWS = "store.json", "locks", "views"

INFO = "dataset_info.json"

# Copied when a dataset is opened.
SMALL = (".json", ".jsonl", ".txt")

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}

# What identifies the content of a file, in the words of different stores; best first.
TAGS = ("crc32c", "md5Hash", "ETag", "etag", "blob_id", "mtime", "created", "last_modified")

KEY_DIGITS = 16

# A `Path` joins the two slashes. A single letter would be a drive of Windows.
_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/+(?P<rest>.*)", re.IGNORECASE | re.DOTALL)

_SHARD = re.compile(r"-\d{5,}-of-\d{5,}$")


class _Version(NamedTuple):
    """A version of a dataset in a store: its address, and size and content of its files by name."""

    address: str
    files: Mapping[str, tuple[int, str]]

    @property
    def key(self) -> str:
        """A hash that differs for another content."""
        kept = {name: file for name, file in self.files.items() if _SHARD.search(name)}
        kept |= {name: self.files.get(name) for name in (INFO, "features.json")}
        return _hash([self.address, kept])


def is_address(place: str | Path) -> bool:
    """True if `place` is the address of an object store, SCHEME://…, rather than a local path."""
    return bool(_ADDRESS.fullmatch(str(place)))


def local_data_dir(data_dir: str | Path, name: str) -> Path:
    """The local folder in which TFDS finds dataset `name` of `data_dir`, a folder or an address.

    A process asks the store once for each dataset. ValueError if `data_dir` is an address without
    this dataset, or if a package is missing; ConnectionError if the store cannot be read.
    """
    found = _ADDRESS.fullmatch(str(data_dir))
    if not found:
        return Path(data_dir).expanduser()
    return _mirrored(f"{found['scheme'].lower()}://{found['rest'].rstrip('/')}", name)


def local_file(path: str | Path) -> str:
    """Returns `path`; fetches it first if it is a missing file of a mirrored dataset.

    A path of another folder may be missing. ConnectionError if the store cannot be read.
    """
    path = os.fspath(path)
    if not os.path.exists(path) and (address := address_of(os.path.dirname(path))):
        _fetch(Path(path), address)
    return path


def address_of(folder: str | Path) -> str | None:
    """The address of which `folder` is the local copy; None for any other folder."""
    store = Path(folder, STORE)
    if not store.is_file():
        return None
    return json.loads(store.read_text(encoding="utf-8"))["address"]


@functools.cache
def _mirrored(address: str, name: str) -> Path:
    versions = _list_versions(address, name)
    cache = Path(os.environ.get(CACHE) or "~/.cache/avsync/data").expanduser()
    (cache / VIEWS).mkdir(parents=True, exist_ok=True)
    for folder in (cache, cache / VIEWS):
        remove_unfinished(folder)
    folders = {place: _open_version(cache, name, version) for place, version in versions.items()}
    view = cache / VIEWS / _hash({place: folder.name for place, folder in folders.items()})

    def link(unfinished: Path) -> None:
        for place, folder in folders.items():
            path = unfinished / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(os.path.relpath(folder, path.parent))

    _make_folder(view, link)
    return view


def _list_versions(address: str, name: str) -> dict[str, _Version]:
    """The versions of the dataset by their place in it, such as "CONFIG/1.0.0"."""
    place = f"{address}/{name}"
    with _reading(place):
        store, root = _connect(place)
        store.invalidate_cache()
        listed = store.find(root, detail=True)
    folders: dict[str, dict[str, tuple[int, str]]] = {}
    for path, about in listed.items():
        folder, file = posixpath.split(posixpath.relpath(path, root))
        tag = next((str(about[tag]) for tag in TAGS if about.get(tag)), "")
        folders.setdefault(folder, {})[file] = (int(about["size"]), tag)
    versions = {
        folder: _Version(f"{place}/{folder}", dict(sorted(files.items())))
        for folder, files in sorted(folders.items())
        if INFO in files
    }
    if not versions:
        raise ValueError(_not_there(address, name))
    return versions


def _not_there(address: str, name: str) -> str:
    with _reading(address):
        store, root = _connect(address)
        # A prefix without files is no folder, and a bucket that does not exist lists none.
        names = sorted({posixpath.basename(path.rstrip("/")) for path in store.ls(root, False)})
    return (
        f"{lookup.unknown(f'dataset in {address}', name, names)} To copy a prepared dataset "
        f"there: {upload_command(f'DIR/{name}', f'{address}/{name}')}"
    )


def upload_command(folder: str, address: str) -> str:
    """The command that copies a folder to an address."""
    scheme = address.partition("://")[0]
    if EXTRAS.get(scheme) == "s3":
        return f"aws s3 cp --recursive {folder} {address}"
    if EXTRAS.get(scheme) == "gs":
        return f"gcloud storage cp -r {folder} {posixpath.dirname(address)}"
    return f"the tool of the store, from {folder} to {address}"


def _open_version(cache: Path, name: str, version: _Version) -> Path:
    """The local folder of a version, with its small files."""
    folder = cache / f"{name}-{version.key}"
    sizes = {file: size for file, (size, _) in version.files.items()}

    def copy(unfinished: Path) -> None:
        for file, size in sizes.items():
            if file.endswith(SMALL) and file != STORE:
                _download(f"{version.address}/{file}", unfinished / file, size)
        (unfinished / LOCKS).mkdir()
        about = {"address": version.address, "sizes": sizes}
        atomic_write(unfinished / STORE, json.dumps(about, indent=2) + "\n")

    _make_folder(folder, copy)
    remove_unfinished(folder)
    for file, size in sizes.items():
        path = folder / file
        if path.is_file() and path.stat().st_size != size and file != STORE:
            path.unlink()  # cut off by a full disk or by hand: it is fetched again
    return folder


def _make_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Makes a folder and what `fill` puts there, whole; another process may be faster."""
    if folder.is_dir():
        return
    unfinished = unfinished_path(folder)
    unfinished.mkdir()
    try:
        with in_use(unfinished):
            fill(unfinished)
            unfinished.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fetch(path: Path, address: str) -> None:
    sizes = json.loads((path.parent / STORE).read_text(encoding="utf-8"))["sizes"]
    if path.name not in sizes:
        return
    with _lock(path.parent / LOCKS / path.name):
        if not path.exists():  # another process or thread may have fetched it meanwhile
            with replacing(path) as unfinished:
                _download(f"{address}/{path.name}", unfinished, sizes[path.name])


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Waits for others who fetch the same file; on disks without locks, all of them fetch it."""
    with path.open("ab") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(address: str, path: Path, num_bytes: int) -> None:
    with _reading(address):
        store, place = _connect(address)
        store.get_file(place, str(path))
    if path.stat().st_size != num_bytes:
        raise ConnectionError(
            f"{address}: {path.stat().st_size:,} bytes were fetched, and {num_bytes:,} expected: "
            "the dataset has been changed since it was opened, or the connection broke; run the "
            "same command again"
        )


def _connect(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    scheme, _, rest = address.partition("://")
    store = _file_system(f"{scheme}://{rest.partition('/')[0]}", os.getpid())
    return store, store._strip_protocol(address)


@functools.cache
def _file_system(bucket: str, process: int) -> Any:
    """One connection for all threads of a process; fsspec itself opens one for each thread."""
    import fsspec  # not at the top: local folders need none of it

    del process
    return fsspec.url_to_fs(bucket)[0]


@contextlib.contextmanager
def _reading(address: str) -> Iterator[None]:
    """Errors of a store in a sentence."""
    try:
        yield
    except ImportError as error:
        extra = EXTRAS.get(address.partition("://")[0])
        install = f"pip install 'avsync[{extra}]'" if extra else _first_line(error)
        raise ValueError(f"{address} needs another package: {install}") from error
    except ValueError as error:  # an unknown scheme, or no bucket in the address
        raise ValueError(
            f"{address}: not an address of an object store ({_first_line(error)}); expected "
            "s3://BUCKET/FOLDER or gs://BUCKET/FOLDER"
        ) from error
    except FileNotFoundError as error:
        raise ValueError(
            f"not found: {address} ({_first_line(error)}); check the names of the bucket and of "
            "the folder in it"
        ) from error
    # Each store has exceptions of its own, which derive from nothing in common.
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        kind = type(error).__name__
        reason = f"{address} cannot be read ({kind}: {_first_line(error)})"
        if isinstance(error, PermissionError) or re.search("credential|auth", kind, re.I):
            raise ConnectionError(
                f"{reason}: check the credentials of this machine and what they permit"
            ) from error
        raise ConnectionError(
            f"{reason}: check the network and the endpoint, and run the same command again"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error) or "no message").partition("\n")[0]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]
