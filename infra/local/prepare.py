"""`python -m infra.local.prepare`: makes what template.yaml names, and the first API key, where missing."""

from __future__ import annotations

import os

from control_plane.api_keys.bootstrap import bootstrap_admin_key
from infra.aws.api_keys import ApiKeys
from infra.aws.clients import AwsSettings, Clients
from infra.contract.clock import SystemClock
from infra.local.folder import ADMIN_KEY_VARIABLE
from infra.local.stack import create_stack


def main() -> None:
    """Prepare the stack that the environment names."""
    clients = Clients(AwsSettings.from_environment())
    create_stack(clients)
    bootstrap_admin_key(ApiKeys(clients), os.environ[ADMIN_KEY_VARIABLE], SystemClock())


if __name__ == "__main__":
    main()
