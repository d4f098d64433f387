"""A text backwards: ``python examples/services/reverse.py [PORT]``."""

from text_service import serve

if __name__ == "__main__":
    serve("service-reverse", lambda text: text[::-1], 5001)
