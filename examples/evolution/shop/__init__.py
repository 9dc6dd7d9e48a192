"""The smallest service that has a contract: it publishes an event, and handles it too."""
