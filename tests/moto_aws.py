"""moto as the tests use it: its DynamoDB does one thing at a time, as the real one does for an item.

moto is not made for threads: a transaction copies its whole table, which fails while another thread writes
to it, and is undone by putting that copy back, which takes another thread's writes along.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER = DynamoHandler.call_action
_ONE_AT_A_TIME = threading.RLock()


def _answer_alone(handler: DynamoHandler) -> object:
    with _ONE_AT_A_TIME:
        return _ANSWER(handler)


@contextmanager
def moto_aws() -> Iterator[None]:
    """Let every AWS client made in here speak to moto; inside another `moto_aws` it is the same account."""
    with pytest.MonkeyPatch.context() as patches, mock_aws():
        patches.setattr(DynamoHandler, "call_action", _answer_alone)
        yield
