"""Measure how much Sabal does in a second, and compare it with the limits of the same machine: `script/bench`."""
