"""One module a language: how its compiler is found and asked. `base` is what they have in common."""
