from __future__ import annotations

from django.urls import path

from examples.delivery import views

urlpatterns = [path("api/zones/<slug:city>", views.zone)]
