"""What the system says is wrong, as the end of a sentence."""

from __future__ import annotations

import ssl


def reason(error: OSError) -> str:
    """Word an error of a file, a socket or TLS, without its number."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_message:
        return error.verify_message
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
