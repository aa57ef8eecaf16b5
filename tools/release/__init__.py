"""What a release needs: one version in all places, and notes from the changelog."""
