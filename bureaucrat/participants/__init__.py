"""Who does the actions, outside this process: one file for each kind."""
