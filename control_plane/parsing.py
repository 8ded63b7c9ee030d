"""Ids and addresses as customers write them, parsed once: phone numbers in any usual writing, and JIDs."""

from __future__ import annotations

import re

import phonenumbers

from control_plane.problems import Code, ProblemError
from infra.contract.ids import IdError, MessageRef, SessionId, parse_message_ref, parse_session_id
from infra.contract.jid import GROUP_SERVER, LID_SERVER, PN_SERVER, Jid, JidError

_USERS = {
    PN_SERVER: re.compile(r"[1-9][0-9]{4,14}"),
    LID_SERVER: re.compile(r"[0-9]{5,20}"),
    GROUP_SERVER: re.compile(r"[0-9]{5,20}(-[0-9]{5,20})?"),
}


def session_id(text: str, *, field: str) -> SessionId:
    """Read a session's id. The pattern in the OpenAPI document cannot say that no line break may follow."""
    try:
        return parse_session_id(text)
    except IdError as error:
        raise ProblemError(Code.INVALID_REQUEST, str(error), field=field) from error


def message_ref(text: str, *, field: str) -> MessageRef:
    """Read a message's id."""
    try:
        return parse_message_ref(text)
    except IdError as error:
        raise ProblemError(Code.INVALID_REQUEST, str(error), field=field) from error


def recipient(text: str, *, field: str) -> Jid:
    """Read to whom a message goes: a phone number, or the JID of a person or a group."""
    if "@" in text:
        return _jid(text, field)
    digits = _digits(text)
    if digits is None:
        raise ProblemError(
            Code.INVALID_RECIPIENT,
            "give a phone number with its country code, such as +1 415 555 0100, or a JID",
            field=field,
        )
    return Jid.phone_number(digits)


def phone_number(text: str, *, field: str) -> str:
    """Read a phone number, and give the digits of its international form."""
    digits = _digits(text)
    if digits is None:
        raise ProblemError(
            Code.INVALID_PHONE_NUMBER,
            "give the number with its country code, such as +1 415 555 0100",
            field=field,
        )
    return digits


def _jid(text: str, field: str) -> Jid:
    try:
        jid = Jid.parse(text)
    except JidError:
        jid = None
    if jid is None or jid.server not in _USERS or _USERS[jid.server].fullmatch(jid.user) is None:
        raise ProblemError(
            Code.INVALID_RECIPIENT,
            "a JID looks like 14155550100@s.whatsapp.net, 83471112233@lid or 120363025000000000@g.us",
            field=field,
        )
    if jid.device:
        raise ProblemError(
            Code.INVALID_RECIPIENT, f"write to the account, {jid.account}, not to one device", field=field
        )
    return jid


def _digits(text: str) -> str | None:
    """Read a number that begins with + or with its country code; None if it can be nobody's."""
    try:
        number = phonenumbers.parse(text if text.lstrip().startswith("+") else f"+{text}")
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
