"""The shop sells. It asks the delivery service what a delivery takes, and tells everybody what was ordered."""
