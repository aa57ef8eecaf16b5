"""The forms in which `check` reports; each module has one function, `write`."""
