"""The organiser's offline tools: open exports, audit them, make bundles. They need no Django and no database."""
