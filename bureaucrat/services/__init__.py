"""Services that are registered over HTTP, and the workflows that call them one after another.

A workflow is compiled to a process: it has the engine's durability, retries, history and picture.
"""
