# What mypy must reject about contracts' values. Each wrong line says the code of its error.
from __future__ import annotations

from services_communication.contracts import EventModel, PayloadModel


class Address(PayloadModel):
    street_name: str


class UserUpdated(EventModel, aggregate="user", event_type="update.base", key="user_id"):
    user_id: int
    first_name: str = ""
    address: Address | None = None


UserUpdated()  # E: call-arg
UserUpdated(user_id="5")  # E: arg-type
UserUpdated(user_id=None)  # E: arg-type
UserUpdated(userId=5)  # E: call-arg
UserUpdated(user_id=5, name="A")  # E: call-arg
UserUpdated(user_id=5, address={"street_name": "S"})  # E: arg-type
UserUpdated(5)  # E: call-arg

event = UserUpdated(user_id=5)
event.last_name  # E: attr-defined
event.address.street_name  # E: union-attr
text: str = event.user_id  # E: assignment
