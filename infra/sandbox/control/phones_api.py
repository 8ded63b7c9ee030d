"""Phones: buy one, look at it, link devices to it, unlink them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import get, patch, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.params import FromPath, JSONBody  # noqa: TC002
from msgspec import UNSET

from infra.sandbox.control.shapes import Code, DeviceView, Linked, NewPhone, PhoneChange, PhoneView
from infra.sandbox.network import receipts
from infra.sandbox.phones import linking
from infra.sandbox.phones.phones import Phones  # noqa: TC001

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import LinkedDevice
    from infra.sandbox.phones.phone import Phone


@post("/phones", summary="Put a phone on WhatsApp")
async def buy_phone(data: JSONBody[NewPhone], phones: NamedDependency[Phones]) -> PhoneView:
    """Give a number to somebody; one that no phone has is not on WhatsApp."""
    return _view(phones.buy(data.number, data.name))


@get("/phones", summary="List the phones")
async def list_phones(phones: NamedDependency[Phones]) -> list[PhoneView]:
    """All phones, by number."""
    return [_view(phone) for phone in phones]


@get("/phones/{number:str}", summary="Show a phone and its linked devices")
async def show_phone(number: FromPath[str], phones: NamedDependency[Phones]) -> PhoneView:
    """Whether each device is online now, and how much it has yet to confirm."""
    return _view(phones.get(number))


@patch("/phones/{number:str}", summary="Switch a phone's receipts, or its presence")
async def change_phone(
    number: FromPath[str], data: JSONBody[PhoneChange], phones: NamedDependency[Phones]
) -> PhoneView:
    """Delivery receipts are on until switched off."""
    phone = phones.get(number)
    if data.receipts is not UNSET:
        phone.set_receipts(sends=data.receipts)
    if data.available is not UNSET:
        phone.set_available(available=data.available)
        receipts.announce_presence(phone.network, phone.account, available=data.available)
    return _view(phone)


@post("/phones/{number:str}/scan", status_code=200, summary="Scan a QR")
async def scan(number: FromPath[str], data: JSONBody[Code], phones: NamedDependency[Phones]) -> Linked:
    """Link the device that shows this QR; `code` is the QR's text."""
    phone = phones.get(number)
    return _linked(phone, await linking.scan(phone, data.code))


@post("/phones/{number:str}/enter-code", status_code=200, summary="Type a pairing code")
async def enter_code(number: FromPath[str], data: JSONBody[Code], phones: NamedDependency[Phones]) -> Linked:
    """Link the device that shows this pairing code for the phone's number."""
    phone = phones.get(number)
    return _linked(phone, await linking.enter_code(phone, data.code))


@post("/phones/{number:str}/unlink", status_code=200, summary="Unlink all devices")
async def unlink(number: FromPath[str], phones: NamedDependency[Phones]) -> PhoneView:
    """As the owner does it on the phone: the devices are logged out."""
    phone = phones.get(number)
    phone.network.unlink_all(phone.account)
    return _view(phone)


def _view(phone: Phone) -> PhoneView:
    account = phone.account
    devices = [_device(phone, device) for device in phone.network.directory.companions(account)]
    return PhoneView(
        number=account.number,
        name=account.name,
        lid=str(account.lid),
        available=phone.record.available,
        receipts=phone.record.sends_receipts,
        devices=devices,
    )


def _device(phone: Phone, device: LinkedDevice) -> DeviceView:
    login = phone.network.login_of(device)
    return DeviceView(
        device=device.device,
        jid=str(phone.account.pn.with_device(device.device)),
        platform=device.platform,
        linked_at=device.linked_at,
        online=login is not None and login.active,
        unconfirmed=len(phone.network.unconfirmed(device)),
    )


def _linked(phone: Phone, device: LinkedDevice) -> Linked:
    return Linked(device.device, str(phone.account.pn.with_device(device.device)))


HANDLERS = [buy_phone, list_phones, show_phone, change_phone, scan, enter_code, unlink]
