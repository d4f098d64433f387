"""What a person types: one file for each command, and what the commands share.

Rules: a command reads its arguments, calls what is below it and says what happened; everything it says names what to do
next; nothing here is needed to use the engine from a program.
"""
