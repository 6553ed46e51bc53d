"""Invented petitions with weeks of history, so that a newcomer sees a living site. On development servers only."""
