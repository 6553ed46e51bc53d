"""The ASGI front end: HTTP only. It answers every path that a visitor may ask for."""
