"""Turn settings into a running process; no other package chooses adapters.

A process imports one module of this package, which imports only what that process runs.
"""
