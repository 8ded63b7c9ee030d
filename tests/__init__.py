"""The tests: unit (pure), sandbox (real neonize against it)."""
