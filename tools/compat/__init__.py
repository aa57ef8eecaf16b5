"""The cluster tests on a control plane of every release of Kubernetes that the project supports."""
