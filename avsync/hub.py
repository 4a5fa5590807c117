"""Checkpoints on the Hugging Face Hub, by address: hf://OWNER/NAME[@REVISION][/FOLDER].

They are read through huggingface_hub, the optional extra `hub`, with its cache and its settings
(HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE). Only JSON and safetensors are fetched: nothing in
a repository is run.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from avsync import __version__

INSTALL = "pip install 'avsync[hub]'"

# All that a checkpoint needs of what avsync-export writes; calibrations are optional.
REQUIRED = ("config.json", "model.safetensors")
OPTIONAL = ("calibration/0.json",)

SYNTAX = "hf://OWNER/NAME[@REVISION][/FOLDER]"

# Beginnings of addresses, also of mistaken ones: a page of the Hub, one slash too few.
_SCHEME = re.compile(r"(hf|https?):", re.IGNORECASE)
# A `Path` joins the two slashes. A slash within a revision is written %2F, except in refs/pr/N.
_PREFIX = re.compile(r"hf:/{1,2}")
_ADDRESS = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>refs/pr/\d+|[\w.%-]+))?"
    r"(?P<folder>(?:/[\w.-]+)*)/?"
)


def is_address(place: str | Path) -> bool:
    """True if `place` is an address, be it malformed, rather than a local path."""
    return bool(_SCHEME.match(str(place)))


def locate(place: str | Path) -> Path:
    """The local path of `place`, a path or an address on the Hub, which is downloaded if needed.

    A local path need not exist; "~" is expanded. An address becomes a folder in the cache of
    huggingface_hub with config.json, model.safetensors and, if there is one, calibration/0.json.

    ValueError for an address if it is malformed, huggingface_hub is not installed, or a file is
    missing, locally too if the Hub cannot be reached.
    """
    return _download(str(place)) if is_address(place) else Path(place).expanduser()


def _download(address: str) -> Path:
    address = _PREFIX.sub("hf://", address, count=1)
    found = _ADDRESS.fullmatch(address.removeprefix("hf://"))
    folder = (found["folder"] if found else "").strip("/")
    if not found or ".." in folder.split("/"):
        raise ValueError(f"not an address of a checkpoint: {address}; expected {SYNTAX}")
    patterns = [f"{folder}/{file}" if folder else file for file in (*REQUIRED, *OPTIONAL)]
    snapshot = _snapshot(
        address,
        repo_id=found["repository"],
        revision=unquote(found["revision"]) if found["revision"] else None,
        allow_patterns=patterns,
    )
    workdir = snapshot / folder
    missing = [file for file in REQUIRED if not (workdir / file).is_file()]
    if missing:
        raise ValueError(
            f"checkpoint not found: {address} has no {' and no '.join(missing)}. A checkpoint on "
            "the Hub is a folder that avsync-export wrote"
        )
    return workdir


def _snapshot(address: str, **selection: Any) -> Path:
    """The folder with the selected files; they have one commit, whatever is pushed meanwhile."""
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise ValueError(f"{address} needs the package huggingface_hub: {INSTALL}") from error
    selection |= {"library_name": "avsync", "library_version": __version__}
    try:
        try:
            return Path(huggingface_hub.snapshot_download(**selection))
        except errors.OfflineModeIsEnabled:
            # Version 1.33 asks the Hub for the files of a commit before it looks into the cache.
            return Path(huggingface_hub.snapshot_download(**selection, local_files_only=True))
    except errors.HFValidationError as error:
        raise ValueError(f"not an address of a checkpoint: {address}; {error}") from error
    except errors.RevisionNotFoundError as error:
        raise ValueError(f"checkpoint not found: {address}: no such revision") from error
    except errors.RepositoryNotFoundError as error:
        raise ValueError(
            f"checkpoint not found: {address}. The repository does not exist, or is private or "
            "gated: log in with `hf auth login`, or set HF_TOKEN"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise ValueError(
            f"checkpoint not found: {address} is not in the local cache, and the Hub cannot be "
            "reached (or HF_HUB_OFFLINE is set). Fetch it once with access to the Hub, or give the "
            "path of a local copy"
        ) from error
