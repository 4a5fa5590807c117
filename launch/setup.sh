#!/usr/bin/env bash
# Creates .venv in the repository root, installs avsync in it with everything the tests need, and
# prints its path. Does nothing if it is up to date. Needs Python >= 3.11 with pip, nothing else.
#
#   bash launch/setup.sh
#   bash launch/setup.sh prepare,train-cpu        # these extras of pyproject.toml alone
#   AVSYNC_VENV=/elsewhere bash launch/setup.sh
#   AVSYNC_PYTHON=python3.12 bash launch/setup.sh # otherwise the first that is new enough
#   AVSYNC_UNPINNED=1 bash launch/setup.sh        # the newest versions that pyproject.toml allows
#
# Versions are those of launch/constraints-py311.txt, -py312.txt and -py313.txt, with which the
# tests have passed; other Pythons get the newest ones.
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
extras="${1:-dev}"
venv="${AVSYNC_VENV:-$repository/.venv}"
unfinished="$venv/avsync.unfinished"
stamp="$venv/avsync.stamp"

main() {
  # Deletes only an environment that this script created and did not finish.
  if [[ -e "$unfinished" ]]; then
    rm -rf "$venv"
  fi
  if [[ ! -e "$venv" ]]; then
    create
  elif ! is_new_enough "$venv/bin/python"; then
    fail "$venv exists but has no Python 3.11 or newer. Remove it, or set AVSYNC_VENV to" \
      "another folder."
  fi
  local wanted found
  wanted="$(fingerprint)"
  found="$(cat "$stamp" 2>/dev/null || true)"
  # `dev` has all that the scripts need.
  if [[ "$found" != "$wanted $extras" && "$found" != "$wanted dev" ]]; then
    install
    # Written last: an interrupted installation has no stamp.
    echo "$wanted $extras" >"$stamp"
    rm -f "$unfinished"
  fi
  echo "$venv"
}

create() {
  local python
  python="$(find_python)"
  mkdir -p "$venv"
  touch "$unfinished"
  # Some systems ship venv without pip; the system's pip then installs one.
  if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --python "$venv/bin/python" install -qq pip >&2
  fi
}

# Prints the first Python that is new enough.
find_python() {
  local name
  for name in ${AVSYNC_PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if is_new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  fail "avsync needs Python 3.11 or newer; none of" \
    "${AVSYNC_PYTHON:-python3, python3.13, python3.12 and python3.11}" \
    "on the PATH is. Install one with pip, and run this again."
}

is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The versions for this Python; nothing if there are none, or none are wanted.
constraints() {
  local file
  file="$repository/launch/constraints-py$("$venv/bin/python" -c \
    'import sys; print("%d%d" % sys.version_info[:2])').txt"
  if [[ -z "${AVSYNC_UNPINNED:-}" && -f "$file" ]]; then
    echo "$file"
  fi
}

# Identifies an installation: another Python, folder, version, pyproject.toml or list of versions
# makes it stale.
fingerprint() {
  "$venv/bin/python" - "$repository" "$(constraints)" <<'PYTHON'
import hashlib, pathlib, sys
files = ["pyproject.toml", "avsync/__init__.py"]  # The version is in the second one.
files += sys.argv[2:3] if sys.argv[2] else []
requirements = b"".join(pathlib.Path(sys.argv[1], name).read_bytes() for name in files)
print(hashlib.sha256(requirements + f"{sys.version} {sys.argv[1]}".encode()).hexdigest())
PYTHON
}

install() {
  local start=$SECONDS
  echo "setup: installing avsync in $venv; this takes minutes, once" >&2
  # The pip bundled with Python is years old and takes 1.5 times as long.
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --upgrade pip >&2
  # `tensorflow` and `tensorflow-cpu` have the same files: the one that is not wanted goes first.
  local unwanted=tensorflow-cpu
  if [[ "$extras" == *train-cpu* ]]; then
    unwanted=tensorflow
  fi
  if "$venv/bin/python" -m pip show -qq "$unwanted" >/dev/null 2>&1; then
    "$venv/bin/python" -m pip uninstall -qq --yes tensorflow tensorflow-cpu >&2
  fi
  # pip would compile all modules on one core, which takes as long as everything else.
  local file
  file="$(constraints)"
  "$venv/bin/python" -m pip install -qq --no-compile ${file:+--constraint "$file"} \
    --editable "${repository}[$extras]" >&2 ||
    fail "pip failed. If a version in ${file:-pyproject.toml} is not to be had here," \
      "AVSYNC_UNPINNED=1 installs the newest ones instead."
  # Files that cannot be compiled, such as templates, are never imported; tests are skipped.
  "$venv/bin/python" -W ignore -m compileall -qq -j 0 -x 'site-packages/.*/tests/|_test[.]py$' "$venv/lib" >&2 || true
  echo "setup: installed in $((SECONDS - start)) s" >&2
}

fail() {
  echo "setup: $*" >&2
  exit 1
}

main
