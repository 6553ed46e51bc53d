"""The desk: the screens of the organisations. A Django site in a process of its own, without the server key."""
