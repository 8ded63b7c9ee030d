"""Sessions as customers see them: create, list, show, change, start, stop, log out, delete."""
