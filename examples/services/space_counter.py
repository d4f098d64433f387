"""How many spaces a text has: ``python examples/services/space_counter.py [PORT]``."""

from text_service import serve

if __name__ == "__main__":
    serve("service-space-counter", lambda text: text.count(" "), 5002)
