"""--config and --config.FIELD=VALUE, which avsync-train and avsync-sweep share.

Fields are checked when the config is read, all at once: the order of the flags does not matter, and
which fields exist depends on the plug-ins that the flags choose.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from avsync.bin.base import UsageError
from avsync.config import Config, files, require_known, with_changes
from avsync.config.changes import flat, parse_changes

CONFIG_HELP = f"""\
The config: NAME[:VARIANT], or any file, PATH.py[:VARIANT]. Known configs:
{textwrap.indent(files.summary(files.CONFIG), "  ")}
--config.FIELD=VALUE changes a field, as in --config.optim.learning_rate=1e-3. All fields are
described in {files.README}."""

FIELD = re.compile(r"--?(config\.[^=\s]+)(=.*)?", re.DOTALL)


class Chosen(NamedTuple):
    """base: the config of `argument` ("grid:test"). changes: by field. config: both, locked."""

    base: Config
    argument: str
    changes: dict[str, Any]
    config: Config

    def fields_with(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """The values of all fields with `more` changes; ValueError if one is not possible."""
        # At once, as a run of a sweep gets them: another plug-in may lack a field of `changes`.
        return dict(flat(with_changes(self.base, {**self.changes, **more})))


def define_fields(argv: Sequence[str]) -> None:
    """Defines a flag for each --config.FIELD in `argv`, so that absl accepts it."""
    for match in filter(None, map(FIELD.fullmatch, argv)):
        if match[1] not in flags.FLAGS:
            flags.DEFINE_string(match[1], None, "A field of the config.")


def read_config(argument: str) -> Chosen:
    """The config that --config and --config.FIELD ask for; UsageError says what is wrong."""
    texts = {
        name.removeprefix("config."): str(flags.FLAGS[name].value)
        for name in flags.FLAGS
        if name.startswith("config.")
    }
    try:
        config = files.run(files.CONFIG, argument)
        try:
            require_known(config)
        except ValueError as error:
            raise ValueError(f"--config={argument}: {error}") from error
        changes = parse_changes(config, texts)
        return Chosen(config, argument, changes, with_changes(config, changes).lock())
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
