"""What the routes are handed: the adapters, the clock, and what is built of them, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from control_plane.asking import Asking
from control_plane.linking.linking import Linking
from control_plane.messages.sending import Sending
from control_plane.sessions.ending import Ending
from control_plane.settings import Settings
from control_plane.waiting import Patience
from infra.aws.api_keys import ApiKeys
from infra.aws.calls import Calls
from infra.aws.connectors import Connectors
from infra.aws.leases import Leases
from infra.aws.messages import Messages
from infra.aws.queues import Queues
from infra.aws.sessions import Sessions
from infra.contract.clock import Clock, SystemClock

if TYPE_CHECKING:
    from infra.aws.clients import Clients


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Routes name those that they need, by these names.

    None may be the name of a body's field: Litestar takes a wrong field for a broken part, and answers 500.
    """

    stored_sessions: Sessions
    messages: Messages
    api_keys: ApiKeys
    connectors: Connectors
    leases: Leases
    queues: Queues
    sending: Sending
    linking: Linking
    ending: Ending
    clock: Clock

    @classmethod
    def on(
        cls,
        clients: Clients,
        *,
        settings: Settings | None = None,
        clock: Clock | None = None,
        patience: Patience | None = None,
    ) -> Self:
        """Put the parts together on a stack; what is not given is as in earnest."""
        clock = clock or SystemClock()
        patience = patience or Patience(clock)
        sessions, messages, queues = Sessions(clients), Messages(clients), Queues(clients)
        asking = Asking(Calls(clients), queues, clock, patience)
        return cls(
            stored_sessions=sessions,
            messages=messages,
            api_keys=ApiKeys(clients),
            connectors=Connectors(clients),
            leases=Leases(clients),
            queues=queues,
            sending=Sending(
                sessions, messages, queues, patience=patience, clock=clock, settings=settings or Settings()
            ),
            linking=Linking(sessions, asking, clock, patience),
            ending=Ending(sessions, queues, asking),
            clock=clock,
        )
