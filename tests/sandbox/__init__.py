"""Real neonize, in child processes, against the sandbox."""
