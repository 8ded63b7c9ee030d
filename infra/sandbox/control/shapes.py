"""The JSON of the control API: what comes in, checked, and what goes out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from infra.sandbox.network.faults import FaultKind

Number = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{6,14}$", description="international form, digits only", examples=["14155550100"]
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(min_length=1, max_length=65536)]
To = Annotated[
    str, Meta(description="a number, or a group's id such as 120363…@g.us", examples=["14155550101"])
]


class NewPhone(Struct, forbid_unknown_fields=True):
    """A phone to put on WhatsApp."""

    number: Number
    name: Name


class DeviceView(Struct):
    """A linked device. `unconfirmed` counts the stanzas that it has yet to confirm."""

    device: int
    jid: str
    platform: str
    linked_at: int
    online: bool
    unconfirmed: int


class PhoneView(Struct):
    """A phone and its linked devices."""

    number: str
    name: str
    lid: str
    available: bool
    receipts: bool
    devices: list[DeviceView]


class PhoneChange(Struct, forbid_unknown_fields=True):
    """Switches of a phone: whether it sends delivery receipts, and whether contacts see it online."""

    receipts: bool | UnsetType = UNSET
    available: bool | UnsetType = UNSET


class Code(Struct, forbid_unknown_fields=True):
    """The text of a QR, or the eight characters of a pairing code."""

    code: Annotated[str, Meta(min_length=1, max_length=2000)]


class Linked(Struct):
    """The device that was just linked."""

    device: int
    jid: str


class File(Struct, forbid_unknown_fields=True):
    """A file to send: `data` is base64."""

    data: bytes
    mime: Annotated[str, Meta(pattern=r"^[\w.+-]+/[\w.+-]+$")]
    caption: str = ""


class NewMessage(Struct, forbid_unknown_fields=True):
    """A message for a phone to send. Exactly one of `text`, `image`, `video`, `audio` and `document`."""

    to: To
    text: Text | None = None
    image: File | None = None
    video: File | None = None
    audio: File | None = None
    document: File | None = None
    reply_to: str | None = None

    def file(self) -> tuple[str, File] | None:
        """Give the kind and the file, if it is a file that is to be sent."""
        kinds = {"image": self.image, "video": self.video, "audio": self.audio, "document": self.document}
        return next(((kind, file) for kind, file in kinds.items() if file is not None), None)

    def __post_init__(self) -> None:
        """Refuse anything but one content; msgspec reports it as a validation error."""
        contents = (self.text, self.image, self.video, self.audio, self.document)
        if sum(content is not None for content in contents) != 1:
            raise ValueError("give exactly one of text, image, video, audio and document")
        if self.reply_to is not None and self.text is None:
            raise ValueError("reply_to goes with text")


class SentView(Struct):
    """What was sent."""

    id: str


class MediaView(Struct):
    """A file that was received. `sha256` is of the decrypted bytes; None where `problem` says why not."""

    mime: str
    length: int
    sha256: str | None
    problem: str | None


class ReceivedView(Struct):
    """A message that a phone received. `kind` is None where it could not be read."""

    number: int
    id: str
    sender: str
    chat: str
    from_me: bool
    received_at: float
    kind: str | None
    text: str | None
    target: str | None
    media: MediaView | None
    undecryptable: str | None
    duplicate_counter: bool
    attempt: int


class NoticedView(Struct):
    """A receipt, typing or presence that a phone saw."""

    number: int
    event: str
    kind: str
    sender: str
    ids: list[str]


class MessageId(Struct, forbid_unknown_fields=True):
    """Which message is meant."""

    id: Annotated[str, Meta(min_length=1)]


class Reaction(MessageId):
    """A reaction to a message; an empty emoji takes it back."""

    emoji: Annotated[str, Meta(max_length=32)]


class Edit(MessageId):
    """New words for a message that this phone sent."""

    text: Text


class Typing(Struct, forbid_unknown_fields=True):
    """Typing in a chat, or no longer."""

    to: To
    typing: bool = True


class Watched(Struct, forbid_unknown_fields=True):
    """A contact whose presence is to be seen."""

    to: Number


class NewGroup(Struct, forbid_unknown_fields=True):
    """A group to found."""

    owner: Number
    subject: Name
    members: Annotated[list[Number], Meta(min_length=1, max_length=1024)]


class GroupView(Struct):
    """A group. `id` is what messages go to."""

    id: str
    owner: str
    subject: str
    members: list[str]


class NewFault(Struct, forbid_unknown_fields=True):
    """Something that is to go wrong: `count` times, or for `seconds`; with neither, once for each device.

    Without a number it goes wrong for everybody; only `close` and `offline` can. For `slow-ack`, `seconds` is
    how late each acknowledgement comes. `logged-out` happens now and needs neither.
    """

    kind: FaultKind
    number: Number | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    seconds: Annotated[float, Meta(gt=0, le=86400)] | None = None


class Problem(Struct, omit_defaults=True):
    """An error, in the form of RFC 9457. `field` names what in the request was wrong, if one thing was."""

    status: int
    code: str
    detail: str
    field: str | None = None
    type: str = "about:blank"


def media_view(media: msgspec.Struct | None) -> MediaView | None:
    """Show what the API tells of a file."""
    if media is None:
        return None
    return msgspec.convert(media, MediaView, from_attributes=True)  # noqa: TID251  in the event loop alone
