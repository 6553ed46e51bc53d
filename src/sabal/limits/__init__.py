"""Limits for each network, and the capacity for more pending signatures."""
