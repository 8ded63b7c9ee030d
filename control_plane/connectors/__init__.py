"""Connectors: who holds the sessions now."""
