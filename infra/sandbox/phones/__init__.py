"""Simulated phones: the people behind the accounts. They scan codes, read what is sent to them, and answer."""
