from __future__ import annotations

from django.urls import path

from examples.shop import views

urlpatterns = [path("api/orders", views.new_order)]
