"""Mailings: newsletters and updates, written once in each language and sent to a whole list."""
