from __future__ import annotations

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel


class Counted(EventModel, aggregate="integration", event_type="counted", key="line"):
    line: str
    number: int
    seconds: float = 0
    """How long handling takes."""


class Failing(EventModel, aggregate="integration", event_type="failing"):
    number: int
    times: int
    """So many attempts fail."""


class Unready(EventModel, aggregate="integration", event_type="unready"):
    number: int
    times: int
    """So often it is put off."""


class Deadly(EventModel, aggregate="integration", event_type="deadly"):
    number: int


class Unheard(EventModel, aggregate="integration", event_type="unheard"):
    number: int


class UnheardAndFine(EventModel, aggregate="integration", event_type="unheard.fine", unroutable_ok=True):
    number: int


class Ring(CommandModel, service="integration-bell", command_name="ring"):
    number: int


class Sum(PayloadModel):
    total: int


class Add(CallModel[Sum], service="integration-adder", method_name="add"):
    left: int
    right: int
