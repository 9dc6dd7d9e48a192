"""The delivery service delivers: parcels for orders, couriers on command, quotes on request, zones over HTTP."""
