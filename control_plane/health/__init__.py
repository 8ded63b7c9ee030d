"""Whether this process lives, and whether what it stands on answers."""
