"""The command line. The only place that knows the terminal."""
