"""The second wall: processes of ours that may do next to nothing, for what a bug of the engine could turn.

`zygote.py` is the supervisor's side, and all that others need; `confine.py` takes a process's rights away.
"""
