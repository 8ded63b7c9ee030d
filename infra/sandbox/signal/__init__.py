"""The Signal protocol as a simulated phone needs it: keys, sessions and groups, without any I/O."""
