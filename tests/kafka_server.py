"""A broker that speaks Kafka's protocol: the one inside librdkafka, which confluent-kafka's wheel brings along.

Rules: it is in this program and keeps everything in memory; it can be taken down and brought up again with what it has.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import confluent_kafka

_PRODUCER = 0
_BROKER = 1


def _library() -> Any:
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    (path,) = folder.glob("librdkafka-*.so*")
    library = ctypes.CDLL(str(path))
    for name, result, arguments in (
        ("rd_kafka_new", ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
        ("rd_kafka_mock_cluster_new", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [ctypes.c_void_p]),
        ("rd_kafka_mock_broker_set_down", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_up", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
        ("rd_kafka_mock_cluster_destroy", None, [ctypes.c_void_p]),
        ("rd_kafka_destroy", None, [ctypes.c_void_p]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class KafkaServer:
    """One broker."""

    def __init__(self) -> None:
        self._library = _library()
        told = ctypes.create_string_buffer(512)
        self._owner = self._library.rd_kafka_new(_PRODUCER, None, told, len(told))
        assert self._owner, told.value
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._owner, 1)

    @property
    def url(self) -> str:
        return f"kafka://{self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()}"

    def go_down(self) -> None:
        """End every connection, and take none."""
        assert self._library.rd_kafka_mock_broker_set_down(self._cluster, _BROKER) == 0

    def come_up(self) -> None:
        """Take connections again."""
        assert self._library.rd_kafka_mock_broker_set_up(self._cluster, _BROKER) == 0

    def remove(self) -> None:
        """End it."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._owner)
