"""Bounces and complaints: what comes back of emails to lists is read, counted, and ends subscriptions."""
