"""Events of many nodes out of one NATS JetStream stream, shared by a pool of hosts.

Needs nats-py, the extra ``nats``; it is imported where a connection is opened.
"""
