"""The whole stack on one machine, and the `roost` command. It may import every room; no room imports it."""
