"""The client of REST_API_HOST, whose methods are ``services_communication.rest_api.get`` and its siblings."""

from __future__ import annotations

from django.core.signals import setting_changed

from services_communication.rest_api.client import RestClient
from services_communication.settings import KEY_PREFIX, NAME

shared = RestClient()

get = shared.get
post = shared.post
put = shared.put
patch = shared.patch
delete = shared.delete
head = shared.head


def _close(*, setting: str, **_: object) -> None:
    """Django's test tools have changed the settings: the connections lead to where nobody listens any more."""
    if setting == NAME or setting.startswith(KEY_PREFIX):
        shared.close()


setting_changed.connect(_close, dispatch_uid="services_communication.rest_api")
