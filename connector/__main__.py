"""`python -m connector`: a connector until SIGTERM or Ctrl-C; its settings are in the environment."""

from __future__ import annotations

import asyncio
import os
import sys

from connector.logs import log_as_json
from connector.main import run_until_signalled
from connector.settings import Settings, SettingsError
from infra.aws.clients import AwsSettings
from infra.aws.errors import AwsError


def main() -> None:
    """Run; exits with 0 after a drain, 1 when there is no stack, 2 when the settings cannot work."""
    log_as_json()
    try:
        settings, aws = Settings.from_environment(), AwsSettings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"connector: {error}\n")
        sys.exit(2)
    try:
        asyncio.Runner().run(run_until_signalled(settings, aws))
    except AwsError as error:
        sys.stderr.write(f"connector: {type(error).__name__}: {error}\n")
        sys.exit(1)
    sys.stderr.flush()
    os._exit(0)  # long polls that still wait hold nothing, but would hold up the exit


if __name__ == "__main__":
    main()
