"""How much one network may ask for, and whether there is capacity for more signatures."""
