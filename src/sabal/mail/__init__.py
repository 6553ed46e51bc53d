"""Mail: the outbox, the emails and the ways out of the house."""
