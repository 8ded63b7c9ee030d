"""What can go wrong between two Signal devices. A failed call has changed nothing.

    SignalError
    ├── DuplicateMessageError    read before: acknowledge it and forget it
    ├── NoSessionError           nothing is shared with this address yet
    ├── NoSenderKeyError         this group message came before its sender's distribution
    ├── UnknownPreKeyError       made for a prekey that is used up or was never ours
    ├── TooFarAheadError         too many messages are missing before this one
    ├── BadMacError              no session state fits: altered, or encrypted for a state long gone
    ├── BadSignatureError        not signed by the key that should have signed it
    └── SignalFormatError        the bytes do not have the form of what they should be
        └── InvalidKeyError      ... of a public key that one can agree with

When decrypting, every one of them but DuplicateMessageError asks for a retry receipt.
"""


class SignalError(Exception):
    """Two devices do not understand each other."""


class DuplicateMessageError(SignalError):
    """The counter of this message was used before, and its key is gone."""


class NoSessionError(SignalError):
    """There is no Signal session with this address."""


class NoSenderKeyError(SignalError):
    """There is no such sender key of this sender in this group."""


class UnknownPreKeyError(SignalError):
    """The message names a prekey that this device does not hold."""


class TooFarAheadError(SignalError):
    """The counter is further ahead of the last one than any honest loss explains."""


class BadMacError(SignalError):
    """The message is not authentic in any of the states shared with its sender."""


class BadSignatureError(SignalError):
    """The signature was not made by this key over these bytes."""


class SignalFormatError(SignalError):
    """These bytes are not what they should be."""


class InvalidKeyError(SignalFormatError):
    """These bytes are no public key that one can agree with."""
