"""Changes of a config: from the command line, from a sweep, from the config.json of a checkpoint.

A change of a plug-in's name replaces the fields of its section by those of the new plug-in; the
order of the changes does not matter.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from avsync import lookup
from avsync.config import ranges
from avsync.config.fields import PLUG_INS, Config, default, plug_in
from avsync.config.values import parsed, typed
from avsync.names import shown_text

# Fields that the config.json of a checkpoint must record itself: other values change its scores.
RECORDED = ("model.", "score.")

# The encoder of extracted features. Its fields say where these come from, and are unknown where
# they are not recorded.
PRECOMPUTED = "precomputed"

# Missing fields that a message names; the others are counted.
MAX_NAMED = 3
MAX_REASON = 500  # characters; names of fields in a file may have any length

# The training data: one dataset, or several by name with their weights.
DATASET, MIXTURE = "data.dataset", "data.mixture"

# Fields that hold numbers by name. All other mappings are sections.
TABLES = (MIXTURE,)

_NAMES = tuple(f"{section}.name" for section in PLUG_INS)


def flat(values: Mapping[str, Any] | Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of all fields; sections are not fields, and tables are dicts."""
    for name, value in values.items():
        field = f"{prefix}{name}"
        if not isinstance(value, Mapping | ConfigDict):
            yield field, value
        elif field in TABLES:
            yield field, dict(value.items())
        else:
            yield from flat(value, f"{field}.")


def with_changes(config: Config, changes: Mapping[str, Any]) -> Config:
    """A copy of `config` with these changes: values by dotted field name, or nested.

    data.mixture takes the place of data.dataset, and the other way round. ValueError names an
    unknown field, the nearest known one, a value of another type, or says that both are given.
    """
    values, changed = dict(flat(changes)), ConfigDict(config.to_dict())
    _choose_data(values)
    for section in PLUG_INS:
        _change_plug_in(changed, section, values)
    known = dict(flat(changed))
    for field, value in values.items():
        if field not in known:
            raise ValueError(_unknown(field, known))
        section, _, name = field.rpartition(".")
        place = _section(changed, section)
        place[name] = typed(f"config.{field}", value, like=known[field])
    return changed


def parse_changes(config: Config, texts: Mapping[str, str]) -> dict[str, Any]:
    """The value of each field, by dotted name, from the text that a user gives for it.

    ValueError names an unknown field, the nearest known one, or a text that is not such a value.
    """
    names = {field: texts[field] for field in _NAMES if field in texts}
    known = dict(flat(with_changes(config, names)))
    for field, text in texts.items():
        if field not in known:
            with_changes(config, {**names, field: text})  # raises
    return {
        field: parsed(f"config.{field}", text, like=known[field]) for field, text in texts.items()
    }


def require_known(config: Any) -> None:
    """ValueError if `config` is not a config, or has an unknown field, or lacks one.

    The section of a plug-in must have exactly the fields of the plug-in that it names.
    """
    if not isinstance(config, ConfigDict):
        raise ValueError(f"expected a config, as avsync.config.default() returns, got {config!r}")
    given = dict(flat(config))
    for name in _NAMES:
        if name not in given:
            raise ValueError(f"the config has no config.{name}")
    for section, plug_ins in PLUG_INS.items():
        options = _section(config, section)
        fields = plug_ins.fields(options.name)
        if not set(fields) <= set(options):
            raise ValueError(
                f"config.{section} lacks fields of {options.name!r}, as if only its name was set: "
                f"assign avsync.config.{plug_ins.kind}({options.name!r}, FIELD=VALUE, …) to it"
            )
        for name in set(options) - {"name", *fields}:
            kind = f"field of config.{section} ({options.name})"
            raise ValueError(lookup.unknown(kind, name, list(fields)))
    known = dict(flat(with_changes(default(), {name: given[name] for name in _NAMES})))
    for field in given:
        if field not in known:
            raise ValueError(_unknown(field, known))
    if missing := [field for field in known if field not in given]:
        raise ValueError(f"the config has no config.{missing[0]}")
    ranges.require(given)


def from_json(values: Mapping[str, Any], *, path: str) -> Config:
    """The config that the config.json at `path` holds.

    The model and its scores are as recorded there, under any later defaults. Fields that play no
    part in them keep their default if they are not recorded. ValueError, beginning with `path`, if
    the file does not record the architecture, or has an unknown field.
    """
    recorded = dict(flat(values))
    for section in ("model", *PLUG_INS):
        if section in recorded:
            raise ValueError(f"{path}: config.{section} must be a section, with fields of its own")
    names = {field: recorded[field] for field in _NAMES if field in recorded}
    try:
        known = flat(with_changes(default(), names))
        missing = [
            field
            for field, _ in known
            if field.startswith(RECORDED)
            and field not in recorded
            and recorded.get(f"{field.rpartition('.')[0]}.name") != PRECOMPUTED
        ]
        if not missing:
            config = with_changes(default(), recorded)
            ranges.require(dict(flat(config)))
            return config
    except ValueError as error:
        reason = str(error)
        cut = "..." if len(reason) > MAX_REASON else ""
        raise ValueError(shown_text(f"{path}: {reason[:MAX_REASON]}{cut}")) from error
    more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    listed = f"{', '.join(missing[:MAX_NAMED])}{more}"
    # avsync 0.1 recorded the names of the encoders and the head, and none of their fields.
    fields = recorded.keys() - names.keys()
    bare = [
        section
        for section in PLUG_INS
        if f"{section}.name" in names and not any(f.startswith(f"{section}.") for f in fields)
    ]
    if not any(field.startswith(f"{section}.") for section in bare for field in missing):
        raise ValueError(f"{path} is incomplete: it lacks {listed}. Copy or download it again")
    raise ValueError(
        f"{path} was written by avsync 0.1, which did not record the architecture (no {listed}): "
        "retrain, convert the published weights again, or evaluate it with avsync 0.1"
    )


def _change_plug_in(config: Config, section: str, values: dict[str, Any]) -> None:
    """Takes the changes of a plug-in's section out of `values` and applies them to `config`."""
    inside = {f: values.pop(f) for f in list(values) if f.startswith(f"{section}.")}
    if not inside:
        return
    parent, _, key = section.rpartition(".")
    place = _section(config, parent)
    fields = {field.removeprefix(f"{section}."): value for field, value in inside.items()}
    # A sweep or a config.json may give anything.
    name = typed(f"config.{section}.name", fields.pop("name", place[key].name), like="")
    before = place[key].to_dict() if name == place[key].name else {}
    before.pop("name", None)
    place[key] = plug_in(
        PLUG_INS[section], name, {**before, **fields}, place=f"config.{section} ({name})"
    )


def _choose_data(values: dict[str, Any]) -> None:
    """Adds to changes of data.mixture or data.dataset that the other one is not used."""
    dataset, mixture = (values.get(field) for field in (DATASET, MIXTURE))
    if dataset and mixture:
        raise ValueError(
            f"config.{DATASET} is {dataset!r} and config.{MIXTURE} is {mixture!r}: give one of "
            f"them; a mixture of {dataset!r} and others lists it as well"
        )
    if mixture:
        values[DATASET] = ""
    elif dataset:
        values.setdefault(MIXTURE, {})


def _section(config: Config, dotted: str) -> Config:
    for name in filter(None, dotted.split(".")):
        config = config[name]
    return config


def _unknown(field: str, known: Mapping[str, Any]) -> str:
    """An error text that names the nearest known field, and the fields of the section."""
    parts = field.split(".")
    section, rest = "", parts
    while rest and _children(known, _dotted(section, rest[0])):
        section, rest = _dotted(section, rest[0]), rest[1:]
    children = ", ".join(_children(known, section))
    if not rest:
        return f"config.{field} is a section; its fields: {children}"
    leaf = _dotted(section, rest[0])
    if leaf in known:
        return f"unknown config field: config.{field}; config.{leaf} is a value, {known[leaf]!r}"
    near = _nearest_field(section, rest, known)
    hint = f"; did you mean config.{near}?" if near else "."
    place = f"config.{section}" if section else "config"
    return f"unknown config field: config.{field}{hint} {place} has {children}."


def _nearest_field(section: str, rest: list[str], known: Mapping[str, Any]) -> str | None:
    """The known field or section that is spelled most like section.rest."""
    near = lookup.nearest(rest[0], _children(known, section))
    in_section = _dotted(section, near) if near else ""
    whole = _dotted(in_section, *rest[1:])
    last_parts = {field.rpartition(".")[2]: field for field in known}
    near_last = lookup.nearest(rest[-1], list(last_parts))
    if near and whole in known:
        return whole
    # A field of another section: config.train.batch_size is config.data.batch_size.
    if rest[-1] in last_parts:
        return last_parts[rest[-1]]
    return in_section or (last_parts[near_last] if near_last else None)


def _dotted(*names: str) -> str:
    return ".".join(filter(None, names))


def _children(known: Mapping[str, Any], section: str) -> list[str]:
    prefix = f"{section}." if section else ""
    inside = [field[len(prefix) :] for field in known if field.startswith(prefix)]
    return list(dict.fromkeys(field.partition(".")[0] for field in inside))
