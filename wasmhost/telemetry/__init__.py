"""What the host tells of itself: metrics, health, traces, and a word to the service manager.

It reads what is counted anyway, when somebody asks; nothing here is on an event's way.
"""
