"""The front door: HTTP only. What a crowd does is answered here; everything else is handed to Django."""
