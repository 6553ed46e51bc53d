"""Mail: the outbox, the letters and the ways out of the house."""
