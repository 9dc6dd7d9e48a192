"""Runs both services, has a customer order something, and tells whether everything that should arrive did arrive."""
