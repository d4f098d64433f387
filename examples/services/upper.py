"""A text in capitals: ``python examples/services/upper.py [PORT]``."""

from text_service import serve

if __name__ == "__main__":
    serve("service-upper", str.upper, 5003)
