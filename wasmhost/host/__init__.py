"""Who gets what, when, and what happens when it goes wrong."""
