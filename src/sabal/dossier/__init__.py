"""Papers of a petition as PDF: letters to recipients, cover sheets, summaries for the press, signature sheets."""
