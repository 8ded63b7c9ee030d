"""`client_kit`, but the first process that runs it takes more memory than a device host may have."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.sandbox import client_kit

TOO_MUCH = 300 * 1_000_000

if __name__ == "__main__":
    first = Path(sys.argv[1]) / "first"
    if not first.exists():
        first.write_text(str(os.getpid()))
    if first.read_text() == str(os.getpid()):  # the kit begins anew in the same process, by exec
        ballast = b"\1" * TOO_MUCH  # not zeros: those take no memory before they are written to
    client_kit.main(sys.argv[1:])
