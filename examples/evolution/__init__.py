"""What becomes of a contract over time, with the real commands: scripts/walk. Each file in ``steps/`` is an edit."""
