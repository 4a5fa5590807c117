#!/usr/bin/env bash
# Makes .venv in the repository root, installs avsync there with all that its tests need, and prints
# where it is. Does nothing more when that is done. Assumes Python >= 3.11 with pip, nothing else.
#
#   bash launch/setup.sh
#   AVSYNC_VENV=/elsewhere bash launch/setup.sh
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="${AVSYNC_VENV:-$repository/.venv}"
unfinished="$venv/avsync.unfinished"
stamp="$venv/avsync.stamp"

main() {
  # Only an environment that this script began and was stopped in is ever deleted.
  if [[ -e "$unfinished" ]]; then
    rm -rf "$venv"
  fi
  if [[ ! -e "$venv" ]]; then
    create
  elif ! is_new_enough "$venv/bin/python"; then
    fail "$venv is there, but has no Python 3.11 or newer. Remove it, or set AVSYNC_VENV" \
      "to another place."
  fi
  local wanted
  wanted="$(fingerprint)"
  if [[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]]; then
    install
    # Last, so that a stopped installation is never taken for a finished one.
    echo "$wanted" >"$stamp"
    rm -f "$unfinished"
  fi
  echo "$venv"
}

create() {
  local python
  python="$(find_python)"
  mkdir -p "$venv"
  touch "$unfinished"
  # Some systems ship venv without pip for it; then the system's own pip puts one in.
  if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --python "$venv/bin/python" install -qq pip >&2
  fi
}

# The first Python that is new enough.
find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11; do
    if is_new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  fail "avsync needs Python 3.11 or newer, and none of python3, python3.13, python3.12 and" \
    "python3.11 is. Install one, with pip, and run this again."
}

is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# What was installed where: another Python, place or pyproject.toml makes it stale.
fingerprint() {
  "$venv/bin/python" - "$repository" <<'PYTHON'
import hashlib, pathlib, sys
requirements = pathlib.Path(sys.argv[1], "pyproject.toml").read_bytes()
print(hashlib.sha256(requirements + f"{sys.version} {sys.argv[1]}".encode()).hexdigest())
PYTHON
}

install() {
  local start=$SECONDS
  echo "setup: installing avsync into $venv; this takes minutes, once" >&2
  # The pip that Python brings is years old, and takes half as long again.
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --upgrade pip >&2
  # pip would compile all modules on one core, which takes as long as all else.
  "$venv/bin/python" -m pip install -qq --no-compile --editable "${repository}[dev]" >&2
  # What cannot be compiled, such as a template, is not imported either; nor are tests.
  "$venv/bin/python" -m compileall -qq -j 0 -x 'site-packages/.*/tests/|_test[.]py$' "$venv/lib" >&2 || true
  echo "setup: installed in $((SECONDS - start)) s" >&2
}

fail() {
  echo "setup: $*" >&2
  exit 1
}

main
