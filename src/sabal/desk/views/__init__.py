"""Views: each reads its input, calls one verb, and answers. Who may open it is in its decorator (desk/access.py)."""
