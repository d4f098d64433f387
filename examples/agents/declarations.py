"""The signals and queues that all agents of this folder know."""

from pathlib import Path

from bureaucrat.agents import load_stuff

signals, queues = load_stuff(f"file://{Path(__file__).parent / 'signals.json'}")
