"""Events of many nodes out of one NATS JetStream stream, shared by a pool of hosts.

Needs nats-py, the extra ``nats``; only `wasmhost.jetstream.client` and what is behind it imports it.
"""
