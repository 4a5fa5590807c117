#!/usr/bin/env bash
# Runs all checks: lint, format, types, tests. Arguments go to pytest.
#
#   bash launch/test.sh                   # all tests but the slow ones
#   bash launch/test.sh -m slow           # the slow tests
#   bash launch/test.sh tests/metrics     # the tests of one folder
#   bash launch/test.sh -m slow tests/test_kills.py -s      # ten kills of each program, with figures
#   AVSYNC_FUZZ_MUTANTS=1000 bash launch/test.sh tests/fuzz -s     # damaged files, with figures
#
# With CI=true, tests without their test data fail instead of being skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash launch/setup.sh)"
PATH="$venv/bin:$PATH"

ruff check
ruff format --check
# The environment may be in another folder than pyproject.toml says.
pyright --pythonpath "$venv/bin/python"
# Test files run in parallel, with one worker more than cores, because tests wait for the programs
# that they start. They keep their order: files with many tests are not the slow ones. A second -m
# overrides the first.
cores="$(getconf _NPROCESSORS_ONLN)"
pytest -q -m "not slow" --numprocesses="$((cores < 4 ? cores + 1 : 4))" --dist=loadfile \
  --no-loadscope-reorder "$@"
