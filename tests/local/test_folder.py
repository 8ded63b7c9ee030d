"""The data folder: its lock, its admin key, and its refusals in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from infra.contract.api_keys import SECRET_PREFIX
from infra.local.folder import ADMIN_KEY_VARIABLE, CannotStartError, DataFolder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_opener_is_told_who_has_it(tmp_path: Path) -> None:
    with (
        DataFolder(tmp_path).opened(),
        pytest.raises(CannotStartError, match=f"in use by process {os.getpid()}"),
        DataFolder(tmp_path).opened(),
    ):
        pass


def test_a_killed_opener_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from infra.local.folder import DataFolder\n"
        "with DataFolder(Path(sys.argv[1])).opened():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    with DataFolder(tmp_path).opened():
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(CannotStartError, match=r"cannot write to .*--data"),
        DataFolder(tmp_path / "file").opened(),
    ):
        pass


def test_the_admin_key_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)

    secret = folder.admin_secret({})

    assert secret.startswith(SECRET_PREFIX)
    assert folder.admin_secret({}) == secret
    assert (tmp_path / "admin-key").stat().st_mode & 0o777 == 0o600


def test_an_admin_key_of_the_environment_is_used_and_not_written_down(tmp_path: Path) -> None:
    secret = "x" * 32

    given = DataFolder(tmp_path).admin_secret({ADMIN_KEY_VARIABLE: secret})

    assert given == secret
    assert not (tmp_path / "admin-key").exists()


def test_a_guessable_admin_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match="too short"):
        DataFolder(tmp_path).admin_secret({ADMIN_KEY_VARIABLE: "secret"})
