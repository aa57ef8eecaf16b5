"""The output formats of `check`; each module has one public entry point, `write`."""
