"""What an observer is given: of what it asks for, what the operator grants; of events, what is left of them.

`given.py` decides, `profiles.py` holds what a group of observers may see and by which key the rest is
disguised, `redact.py` makes of an event what such a profile shows of it, and `views.py` does that once for
all who share the profile. Nothing here knows the host: who has a true event and a profile asks for the view,
and hands on its bytes.
"""
