"""What Sabal does in a second, beside what the same machine could do at most: `script/bench`."""
