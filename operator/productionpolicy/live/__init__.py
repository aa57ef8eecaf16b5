"""A cluster as it is now, read by somebody who has a kubeconfig and may not be allowed to see everything."""
