"""How long tests wait for what other tasks and processes do."""

# Nothing takes so long, on however busy a machine, unless it is broken.
PATIENCE = 100.0
