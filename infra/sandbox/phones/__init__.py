"""Simulated phones: the people behind the accounts. They scan codes, read, and answer."""
