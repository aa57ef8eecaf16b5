"""actionlint, which checks the workflows of GitHub Actions."""
