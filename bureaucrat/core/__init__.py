"""What decides: one message at a time changes one instance and gives effects; standard library only."""
