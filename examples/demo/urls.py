from __future__ import annotations

from examples.delivery.urls import urlpatterns as delivery
from examples.shop.urls import urlpatterns as shop

urlpatterns = [*shop, *delivery]
