"""`client_kit`, but a device whose database is named `deadly` ends its process as soon as it connects."""

from __future__ import annotations

import os
import sys
from typing import Any

from connector.device_host.device import Device
from infra.sandbox import client_kit

_on_connected = Device._on_connected


def _die(device: Device, event: Any) -> None:
    _on_connected(device, event)
    if "/deadly" in device._client.name:
        os.write(2, b"fatal error: concurrent map writes\n")
        os._exit(2)  # as Go does


if __name__ == "__main__":
    Device._on_connected = _die  # type: ignore[assignment, method-assign]
    client_kit.main(sys.argv[1:])
