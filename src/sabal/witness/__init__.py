"""Witnesses: `ask` is the log's side; `store`, `keep` and `serve` are the small witness that a partner runs."""
