"""Typed requests to other services: models in, models out.

    subject = get("api/v1/subjects/1", response_model=Subject)
    page = get("api/v1/subjects", params=SubjectFilter(page=2), response_model=list[Subject])
    new = post("api/v1/subjects", json=NewSubject(name="…"), response_model=Subject)

These functions speak to ``REST_API_HOST``; a :class:`RestClient` or :class:`AsyncRestClient` speaks to another host.
"""

from __future__ import annotations

from services_communication.rest_api.client import AsyncRestClient, RestClient
from services_communication.rest_api.shared import delete, get, head, patch, post, put
from services_communication.rest_api.utils import SilentRaiseWrapper

__all__ = ["AsyncRestClient", "RestClient", "SilentRaiseWrapper", "delete", "get", "head", "patch", "post", "put"]
