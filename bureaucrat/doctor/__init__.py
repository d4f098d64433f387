"""The doctor: looks through a live database for what cannot be, and says what mends it.

Rules: it reads, and asks through the storage port only; what it finds is looked at a second time before it is told, so
that a daemon may work meanwhile; it reads by pages, so that the size of the database does not matter.
"""
