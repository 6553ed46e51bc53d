"""Witnesses. `ask` is the log's side. `store`, `service` and `serve` are the small witness that a partner runs."""
