"""Whether a host is this machine itself: what may go there in the clear."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell of a host by its name, or its address; a name is not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
