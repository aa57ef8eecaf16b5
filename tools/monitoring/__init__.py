"""The dashboard for Grafana, as code, and the alerts."""
