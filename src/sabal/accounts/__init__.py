"""The people who work here: users, organisations, roles, invitations, and the audit log of what they did."""
