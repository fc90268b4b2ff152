"""What a hook is: its table, the records it carries, and the one encoding they travel in."""
