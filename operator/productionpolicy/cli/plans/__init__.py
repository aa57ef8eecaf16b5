"""The output formats of `check --plan`; each module has one public entry point, `write`."""
