"""Nothing by default; a test that needs URLs overrides ROOT_URLCONF."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
