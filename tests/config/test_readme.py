"""The tables of fields in configs/README.md are current.

After an intended change: AVSYNC_UPDATE_GOLDEN=1 python -m pytest tests/config/test_readme.py
"""

import ast
import os
from pathlib import Path

import pytest

from avsync import build, build_data, lookup, scoring
from avsync.config import default, fields, files
from avsync.config.changes import flat
from avsync.config.fields import ENCODERS, HEADS, PLUG_INS
from avsync.input_pipeline import training
from avsync.input_pipeline.gates import judging
from avsync.pp import silence
from avsync.train import optim, step, transforms

AUGMENTATION = "data.augmentation"

BEGIN, END = "<!-- fields: begin -->\n", "<!-- fields: end -->\n"


def test_the_tables_of_fields_are_current():
    text = files.README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    current = f"{before}{BEGIN}{tables()}{END}{after}"
    if os.environ.get("AVSYNC_UPDATE_GOLDEN"):
        files.README.write_text(current)
    assert files.README.read_text() == current


def test_every_field_has_a_description():
    rows = [line for line in tables().splitlines() if line.startswith("| `")]
    assert len(rows) > len(dict(flat(default())))
    undescribed = [row for row in rows if row.endswith("|  |")]
    assert not undescribed


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("data.order", build_data.ORDERS),
        ("data.balance", training.BALANCES),
        ("data.trim", silence.RULES),
        ("data.gates.sync", judging.SYNC_ACTIONS),
        ("data.gates.duplicates", judging.DUPLICATES_ACTIONS),
        ("model.dtype", build.DTYPES),
        ("optim.name", optim.OPTIMISERS),
        ("optim.schedule", optim.SCHEDULES),
        ("train.loss", lookup.names("train.losses")),
        ("train.reduction", step.REDUCTIONS),
        ("train.remat", transforms.REMAT),
        ("score.frame", scoring.FRAME_SCORES),
        ("score.pooling", scoring.POOLINGS),
    ],
)
def test_the_description_of_a_choice_names_all_its_values(field, names):
    description = descriptions()[field]
    assert [name for name in names if f'"{name}"' not in description] == []


def tables() -> str:
    """One table for each section of the config, then one for each encoder and head."""
    described = descriptions()
    sections: dict[str, list[str]] = {}
    for field, description in described.items():
        value = dict(flat(default())).get(field, "")
        if field in PLUG_INS:
            field, value = f"{field}.name", dict(flat(default()))[f"{field}.name"]
        rows = sections.setdefault(field.partition(".")[0], [])
        if field == AUGMENTATION:
            strengths = lookup.fields("pp", "augmentation", "Augmentation")
            rows += [
                row(f"{field}.{name}", x.default, x.description) for name, x in strengths.items()
            ]
        else:
            rows.append(row(field, value, description))
    parts = [table(f"`{name}`", rows) for name, rows in sections.items()]
    for plug_ins in (ENCODERS, HEADS):
        for name in plug_ins.names():
            rows = [
                row(field, value.default, value.description, value.annotation)
                for field, value in plug_ins.fields(name).items()
            ]
            title = f"`{name}` ({plug_ins.kind})"
            parts.append(table(title, rows) if rows else f"### {title}\n\nNo fields.\n")
    return "\n" + "\n".join(parts) + "\n"


def table(title: str, rows: list[str]) -> str:
    head = "| field | type | default | description |\n|---|---|---|---|\n"
    return f"### {title}\n\n{head}{''.join(rows)}"


def row(field: str, value: object, description: str, annotation: str = "") -> str:
    text = description[:1].upper() + description[1:]
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    kind = annotation or type(value).__name__
    return f"| `{field}` | {kind} | `{shown}` | {text} |\n"


def descriptions() -> dict[str, str]:
    """The comment above each field in the source of `default`, by dotted name."""
    source = Path(fields.__file__).read_text()
    lines = source.splitlines()
    (function,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "default"
    )
    names, found = {"config": ""}, {}
    for node in function.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                dotted = ".".join(filter(None, [names[target.value.id], target.attr]))
                if len(targets) == 1:
                    found[dotted] = comment_above(lines, node.lineno - 1)
                names |= {other.id: dotted for other in targets if isinstance(other, ast.Name)}
    return found


def comment_above(lines: list[str], index: int) -> str:
    first = index
    while lines[first - 1].strip().startswith("#"):
        first -= 1
    return " ".join(line.strip().removeprefix("#").strip() for line in lines[first:index])
