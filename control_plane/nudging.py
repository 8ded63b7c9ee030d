"""Tells a session's connector to look at it now. A lost one is logged, no more: the table is the truth."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from infra.aws.errors import AwsError
from infra.contract.queues import Nudge, NudgeReason

if TYPE_CHECKING:
    from infra.aws.queues import Queues
    from infra.contract.session import Session

log = logging.getLogger(__name__)


def nudge(queues: Queues, session: Session, reason: NudgeReason) -> None:
    """Nudge whoever serves the session's shard; connectors sweep for what no nudge told them."""
    if session.shard is None:
        return
    try:
        queues.nudge(session.shard, Nudge(session.id, reason))
    except AwsError as error:
        log.warning("nudge_lost", extra={"session": session.id, "reason": reason, "cause": str(error)})
