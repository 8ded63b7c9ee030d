"""A bot on raw neonize that answers every text with the same text. Nothing in it knows of the sandbox."""

from neonize.client import NewClient
from neonize.events import ConnectedEv, MessageEv

client = NewClient("echo_bot.db")


@client.qr
def show(_client: NewClient, code: bytes) -> None:
    """Print the QR's text; a terminal would draw it."""
    print(code.decode(), flush=True)


@client.event(ConnectedEv)
def connected(_client: NewClient, _event: ConnectedEv) -> None:
    """Say that the link is done."""
    print("connected", flush=True)


@client.event(MessageEv)
def answer(client: NewClient, message: MessageEv) -> None:
    """Answer people, not what the phone itself tells its companion."""
    if message.Message.conversation and not message.Info.MessageSource.IsFromMe:
        client.reply_message(f"echo: {message.Message.conversation}", message)


client.connect()
