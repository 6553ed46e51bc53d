"""What the server and the organiser exchange: records, exports, revocations. Pure: no database, no Django."""
