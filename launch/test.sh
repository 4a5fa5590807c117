#!/usr/bin/env bash
# All checks: lint, format, types, tests. Arguments go to pytest.
#
#   bash launch/test.sh                   # without the slow tests
#   bash launch/test.sh -m slow           # the slow ones
#   bash launch/test.sh tests/metrics     # some of them
#
# With CI=true, tests that find no test data fail instead of skipping.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash launch/setup.sh)"
PATH="$venv/bin:$PATH"

ruff check
ruff format --check
# The environment may lie elsewhere than pyproject.toml says.
pyright --pythonpath "$venv/bin/python"
# Files run side by side, one more than there are cores, for tests wait for the programs that they
# start; in their order, for those with many tests are not those that take long. A later -m
# overrides the first.
cores="$(getconf _NPROCESSORS_ONLN)"
pytest -q -m "not slow" --numprocesses="$((cores < 4 ? cores + 1 : 4))" --dist=loadfile \
  --no-loadscope-reorder "$@"
