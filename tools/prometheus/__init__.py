"""promtool, which checks and tests the alerts, and a Prometheus server."""
