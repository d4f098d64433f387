"""What people leave in the mailbox: it comes back as it was written."""

from __future__ import annotations

import pytest

from bureaucrat.core.messages import Cancel, Move, Resume, Retry, Set, Skip, Suspend
from bureaucrat.engine.codec import decode_message, encode_message
from bureaucrat.engine.orders import Drop, Happened, Looked, Order, Ordered, Replay


@pytest.mark.parametrize(
    "order",
    [
        Order("bea@desk", Cancel("wrong order")),
        Order("bea@desk", Suspend()),
        Order("bea@desk", Resume("carrier is back")),
        Order("bea@desk", Retry("1.1", 3, {"host": "b"}, "again")),
        Order("bea@desk", Skip("", 3, {"parcel": "DHL-1"}, "by hand")),
        Order("bea@desk", Move("_0", 3, 5, "stuck", "f00d")),
        Order("bea@desk", Set({"amount": 12.5, "lines": [1, None]})),
        Looked("bea@desk", "fields"),
        Replay("bea@desk", 17, "fixed"),
        Drop("bea@desk", 17),
        Happened("bea@desk", "paid", {"order_id": 1017}, "m1"),
    ],
)
def test_an_order_is_read_back_as_it_was_written(order: Ordered) -> None:
    assert decode_message(encode_message(order)) == order
