"""The operator as a Pod on real nodes: installed, watched, upgraded, moved and removed as an administrator does it."""
