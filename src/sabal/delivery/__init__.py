"""Deliveries: how each recipient of a petition is reached, and what is sent to it."""
