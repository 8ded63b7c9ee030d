"""The folder in which `roost up` keeps everything (`.roost/` by default), and its one-line refusals.

DIR/lock           held by the supervisor and everything that it started; its content is the supervisor's pid
DIR/admin-key      the secret of the first API key, readable by its owner only
DIR/url            where the API answers, while it runs
DIR/sandbox.json   where the sandbox is, while it runs
DIR/aws, DIR/sandbox, DIR/devices
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra.contract.api_keys import new_secret
from infra.sandbox.address import ADDRESS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADMIN_KEY_VARIABLE = "ROOST_ADMIN_KEY"
DEFAULT_FOLDER = Path(".roost")
_LEAST_SECRET = 24
_ENDING_SECONDS = 1.0
"""How long what a killed supervisor started may still be ending."""


class CannotStartError(Exception):
    """The stack cannot start; the message is the one line for whoever started it."""


class DataFolder:
    """The folder, by its path. Nothing is made before it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.aws = self.path / "aws"
        self.sandbox = self.path / "sandbox"
        self.devices = self.path / "devices"
        self._admin_key = self.path / "admin-key"
        self._url = self.path / "url"
        self._lock = self.path / "lock"

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """Make the folder, and hold its lock: gives the file descriptor, for whoever writes here to inherit.

        The kernel releases it when its last holder ends, however it ends, so no stale one is left behind.
        Raises CannotStartError.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotStartError(
                f"cannot write to {self.path} ({error.strerror}): choose another folder with --data"
            ) from error
        try:
            self._take(lock)
            with contextlib.ExitStack() as ending:
                ending.callback(self._url.unlink, missing_ok=True)
                ending.callback((self.path / ADDRESS_FILE).unlink, missing_ok=True)
                yield lock
        finally:
            os.close(lock)

    def admin_secret(self, environ: Mapping[str, str] = os.environ) -> str:
        """Give the first API key's secret: ROOST_ADMIN_KEY, or the file's, made at the first start."""
        if secret := environ.get(ADMIN_KEY_VARIABLE):
            if len(secret) < _LEAST_SECRET:
                raise CannotStartError(
                    f"{ADMIN_KEY_VARIABLE} is too short: {_LEAST_SECRET} characters at the least"
                )
            return secret
        if not self._admin_key.exists():
            _write_private(self._admin_key, new_secret().secret)
        return self._admin_key.read_text().strip()

    @property
    def admin_key_place(self) -> str:
        """Say where the secret stands."""
        return f"${ADMIN_KEY_VARIABLE}" if os.environ.get(ADMIN_KEY_VARIABLE) else str(self._admin_key)

    def tell_url(self, url: str) -> None:
        """Write down where the API answers, for the other commands."""
        self._url.write_text(url)

    def find_url(self) -> str | None:
        """Give where the API answers, if it runs."""
        return self._url.read_text() if self._url.exists() else None

    def find_admin_secret(self) -> str | None:
        """Give the first API key's secret, if the file is there."""
        return self._admin_key.read_text().strip() if self._admin_key.exists() else None

    def _take(self, lock: int) -> None:
        deadline = time.monotonic() + _ENDING_SECONDS
        while not _locked(lock):
            if time.monotonic() > deadline:
                pid = os.pread(lock, 20, 0).decode() or "unknown"
                raise CannotStartError(
                    f"{self.path} is in use by process {pid}: stop it, or choose another folder with --data"
                )
            time.sleep(0.05)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_private(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(text + "\n")
    draft.replace(file)
