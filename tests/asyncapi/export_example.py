"""Prints the AsyncAPI document of the service whose settings DJANGO_SETTINGS_MODULE names."""

from __future__ import annotations

import sys

import django
from django.urls import get_resolver

from services_communication.contracts.schema import canonical

if __name__ == "__main__":
    django.setup()
    from services_communication.management.service import this_service

    _ = get_resolver().url_patterns  # views import the contracts that they send
    sys.stdout.buffer.write(canonical(this_service().asyncapi()))
