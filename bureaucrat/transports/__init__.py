"""The ways by which attempts reach participants and answers come back."""
