"""Participants outside of the engine's process: one kind, one file."""
