"""The airlock: trusted WebAssembly that stands between an untrusted guest and the host.

``abi`` is the table of what crosses it, ``*.wat`` is the code that guards it, ``assemble`` fits that
code to one guest.
"""
