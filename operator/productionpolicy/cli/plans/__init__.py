"""The forms in which `check --plan` reports; each module has one function, `write`."""
