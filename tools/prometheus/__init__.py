"""promtool, which checks and tests the alerts."""
