"""The organiser's actions on a petition, from draft to close. The commands call them."""
