"""API keys: create, list, rotate, delete."""
