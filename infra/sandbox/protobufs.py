"""WhatsApp's protobuf messages: the one place that finds neonize's generated classes.

Each name here is a module of messages, as in `e2e.Message(conversation="hello")`. Importing `neonize`
itself would load its Go library, and the library's threads, into this process.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_SPEC = find_spec("neonize")  # looks for the package, runs none of it
if _SPEC is None or _SPEC.origin is None:
    raise ModuleNotFoundError("the sandbox takes WhatsApp's protobufs from neonize, which is not installed")

NEONIZE_FOLDER = Path(_SPEC.origin).parent

# The generated modules import each other by these top-level names.
sys.path.append(str(NEONIZE_FOLDER / "proto"))


def as_text(value: str | bytes) -> str:
    """Give a string field as text: protobuf itself gives the bytes, where they are no UTF-8."""
    return value if isinstance(value, str) else value.decode(errors="replace")


def _generated(name: str) -> ModuleType:
    return import_module(f"{name}_pb2")


adv = _generated("waAdv.WAAdv")
cert = _generated("waCert.WACert")
common = _generated("waCommon.WACommon")
companion_reg = _generated("waCompanionReg.WACompanionReg")
e2e = _generated("waE2E.WAWebProtobufsE2E")
history_sync = _generated("waHistorySync.WAWebProtobufsHistorySync")
server_sync = _generated("waServerSync.WAWebProtobufsServerSync")
sync_action = _generated("waSyncAction.WAWebProtobufSyncAction")
wa6 = _generated("waWa6.WAWebProtobufsWa6")
