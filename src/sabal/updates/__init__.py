"""Updates about a petition: written, corrected and taken back by people, shown to the public, and sent by email."""
