"""What an organiser does with a petition, from draft to close: the verbs behind the commands."""
