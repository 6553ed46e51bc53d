"""What was gathered elsewhere: counts from paper and other platforms, and petitions and people that come from there."""
