"""Email: the outbox, the emails and the transports that send them."""
