"""Which agents there are: ``cd examples/agents; bureaucrat agents settings``."""

import logging
import os

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

RABBIT = os.environ.get("BUREAUCRAT_AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")

BUS = {"rabbit": {"backend": "bureaucrat.agents.tools.amqp.AMQPSignalBus", "dsn": RABBIT}}
BROKER = {"rabbit": {"backend": "bureaucrat.agents.tools.amqp.AMQPBroker", "dsn": RABBIT}}
AGENT = {
    "user_agent": {"backend": "user_agent.UserAgent", "bus": "rabbit", "broker": "rabbit"},
    "comment_agent": {"backend": "comment_agent.CommentAgent", "bus": "rabbit", "broker": "rabbit"},
    "email_agent": {"backend": "email_agent.EmailAgent", "broker": "rabbit", "restart": "one"},
    "push_agent": {"backend": "push_agent.PushAgent", "broker": "rabbit", "restart": "one"},
    "shop_agent": {"backend": "shop_agent.ShopAgent", "bus": "rabbit", "broker": "rabbit"},
}
