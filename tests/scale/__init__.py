"""What one host costs, for docs/scale.md."""
