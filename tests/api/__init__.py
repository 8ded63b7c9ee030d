"""Tests of the control plane on a stack in moto."""
