"""The servers that buses and brokers are on, each in a module of its own."""
