"""Golden tests of an observer: events in, and what comes out compared with what once was right."""
