"""The ``gclkit`` command, one verb per file."""
