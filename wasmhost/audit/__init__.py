"""Runs hostile guests and streams against this installation, and says of each whether it was contained.

`corpus.py` reads the cases, `run.py` stages them beside a healthy neighbour. docs/audit.md is for those who
write cases.
"""
