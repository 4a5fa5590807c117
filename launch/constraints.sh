#!/usr/bin/env bash
# Writes launch/constraints-py3N.txt: the versions of all packages that launch/setup.sh installs,
# as a new environment gets them today. Run it on purpose, for each Python, then run the tests.
#
#   bash launch/constraints.sh python3.11 python3.12 python3.13
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

for python in "${@:-python3}"; do
  name="constraints-py$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])').txt"
  AVSYNC_VENV="$folder/$name" AVSYNC_PYTHON="$python" AVSYNC_UNPINNED=1 \
    bash "$repository/launch/setup.sh" >&2
  {
    echo "# By launch/constraints.sh on $(date +%F); read by launch/setup.sh."
    # The quickstart gets the same TensorFlow without its kernels for CUDA.
    "$folder/$name/bin/python" -m pip freeze --exclude-editable |
      sed 's/^tensorflow==\(.*\)$/&\ntensorflow-cpu==\1/'
  } >"$folder/versions"
  mv "$folder/versions" "$repository/launch/$name"
  echo "$repository/launch/$name"
done
