"""The imperative shell around the core: batches, timers, events, recovery."""
