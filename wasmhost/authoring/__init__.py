"""What an author of observers uses: a project, its toolchain, its build and its golden tests.

Nothing of a running host is in here, and the host knows nothing of it but the manifest in a module.
"""
