"""Linking a session to a phone: by QR or by pairing code."""
