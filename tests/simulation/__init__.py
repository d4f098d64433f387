"""A deterministic simulation of faults: the real engine over simulated database, broker, participants and clock."""
