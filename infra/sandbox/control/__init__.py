"""The control API: what a test, or a person, does with the simulated phones. JSON over HTTP on loopback."""
