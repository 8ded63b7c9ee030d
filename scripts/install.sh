#!/bin/sh
# Builds .venv from requirements.lock: every file is checked against the hash that the lock states.
set -eu
PYTHON=${PYTHON:-python3}
UV_VERSION=0.13.8

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "roost: Python 3.11 or newer is needed; '$PYTHON' is not. Say which one: make install PYTHON=python3.12" >&2
    exit 1
}
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --require-hashes -r requirements.lock
VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --no-deps --reinstall-package roost -e .
.venv/bin/python -c 'import magic' 2>/dev/null || {
    echo "roost: neonize needs the system library libmagic. On Debian or Ubuntu: sudo apt-get install libmagic1" >&2
    exit 1
}
