"""A small node of real parts: a signaling server, WebSocket and WebRTC links to peers, a mailbox."""
