"""What the services agree on. Each module belongs to the service of its name; the others only read it."""
