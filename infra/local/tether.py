"""`python -m infra.local.tether PARENT MODULE [ARGUMENT…]`: what `python -m MODULE` does, tied to a parent.

When the parent dies, even by kill -9, the kernel kills this process too, so that no stale one stays behind.
The tie is Linux's (prctl); elsewhere the module runs without it.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def command(module: str, *arguments: str) -> list[str]:
    """Give the command line that runs a module tied to this process."""
    return [sys.executable, "-m", __name__, str(os.getpid()), module, *arguments]


def _tie(parent: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit(1)


def main() -> None:
    """Tie this process, then become the module."""
    parent, module, *arguments = sys.argv[1:]
    _tie(int(parent))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
