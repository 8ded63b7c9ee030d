"""The one way in which the server says no to a question."""


class IqError(Exception):
    """The answer is an error with this code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
