"""The gateway with connectors that die, hang and move, while every message is counted: `make chaos`."""
