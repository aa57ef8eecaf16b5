"""promtool, which checks the alerts and runs their tests."""
