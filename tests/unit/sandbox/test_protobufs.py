"""The protobuf classes come without neonize's Go library."""

from __future__ import annotations

import subprocess
import sys

from infra.sandbox.protobufs import e2e

IMPORT_AND_LOOK = """
import sys
import infra.sandbox.protobufs
print([name for name in sys.modules if name == "neonize" or name.startswith("neonize.")])
"""


def test_the_messages_are_whatsapps() -> None:
    message = e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text="hello"))

    assert e2e.Message.FromString(message.SerializeToString()).extendedTextMessage.text == "hello"


def test_finding_them_does_not_import_neonize() -> None:
    seen = subprocess.run([sys.executable, "-c", IMPORT_AND_LOOK], capture_output=True, text=True, check=True)

    assert seen.stdout == "[]\n"
