"""Records, exports and revocations: the data that the server and the organiser exchange. No database, no Django."""
