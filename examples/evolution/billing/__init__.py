"""Another service. It reads the event of the shop, and less of it than the shop writes."""
