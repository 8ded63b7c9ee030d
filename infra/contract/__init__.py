"""The pure words that every part of Roost shares: no I/O, no clock, no library but msgspec."""
