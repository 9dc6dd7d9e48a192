"""What consumers need of a producer's contracts: who is broken by a change, and who must be released first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.finding import Finding
from services_communication.contracts.needs import Consumers
from services_communication.contracts.release import field_of
from services_communication.contracts.report import Change
from services_communication.contracts.schema import canonical, document
from services_communication.contracts.usage import needs_of, read_needs, spoken, use_of
from tests.support.contracts import nothing_declared

ORDER = "shop/events/order.placed.v1.json"


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with nothing_declared():
        yield


def event(fields: dict[str, Any], version: int = 1, **keywords: Any) -> type[EventModel]:
    made: type[EventModel] = model(
        EventModel, fields, aggregate="order", event_type="placed", version=version, **keywords
    )
    return made


def command(fields: dict[str, Any], version: int = 1) -> type[CommandModel]:
    made: type[CommandModel] = model(CommandModel, fields, service="sms", command_name="send", version=version)
    return made


def call(reply: Any, fields: dict[str, Any]) -> type[CallModel[Any]]:
    made: type[CallModel[Any]] = model(CallModel[reply], fields, service="pricing", method_name="quote")
    return made


def model(base: Any, fields: dict[str, Any], **keywords: Any) -> Any:
    """A contract with these fields: each a type, or a type and a default."""
    given: dict[str, Any] = {
        name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()
    }
    with nothing_declared():
        return create_model("Made", __base__=base, __module__=__name__, __cls_kwargs__=keywords, **given)


def need(contract: type[PayloadModel], service: str = "billing", uses: str = "reads") -> dict[str, Any]:
    made = document(contract)
    return {**made, "x-contract": {**made["x-contract"], "service": service, "uses": uses}}


def put(root: Path, *needs: dict[str, Any]) -> Path:
    for number, value in enumerate(needs):
        path = root / f"{value['x-contract']['service']}/needs/{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(canonical(value))
    return root


def findings(root: Path, file: str, contract: type[PayloadModel], **known: Any) -> list[Finding]:
    return Consumers.below([root]).findings({file: document(contract)}, **known)


def rules(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.rule) for finding in found]


def test_dropping_a_field_that_nobody_reads_passes(tmp_path: Path) -> None:
    put(tmp_path, need(event({"order_id": int})))
    assert findings(tmp_path, ORDER, event({"order_id": int, "total": int})) == []
    assert findings(tmp_path, ORDER, event({"order_id": int})) == []


def test_dropping_a_field_that_somebody_reads_fails(tmp_path: Path) -> None:
    """The finding names the service, the field, a payload that breaks it, and who goes first."""
    put(tmp_path, need(event({"order_id": int, "total": int})), need(event({"order_id": int}), "mailing"))
    (found,) = findings(tmp_path, ORDER, event({"order_id": int}))
    assert (found.level, found.file) == ("error", ORDER)
    assert found.sentence.startswith("billing reads event order.placed v1: ")
    assert "total" in found.sentence
    assert found.hint.startswith("consumers first: release billing, which must do without total")
    assert found.change is not None
    assert found.change.direction == "forward"
    assert "total" not in found.change.witness
    assert isinstance(found.change.witness["orderId"], int)


def test_a_reader_with_a_default_copes(tmp_path: Path) -> None:
    """It takes messages with the field and without."""
    put(tmp_path, need(event({"order_id": int, "total": (int, 0)})))
    assert findings(tmp_path, ORDER, event({"order_id": int})) == []


def test_every_broken_service_is_named(tmp_path: Path) -> None:
    put(tmp_path, *(need(event({"order_id": int, "total": int}), name) for name in ("mailing", "billing")))
    found = findings(tmp_path, ORDER, event({"order_id": int}))
    assert [finding.sentence.split()[0] for finding in found] == ["billing", "mailing"]


def test_a_new_value_of_an_event_is_for_its_readers_first(tmp_path: Path) -> None:
    put(tmp_path, need(event({"state": Literal["new", "paid"]})))
    (found,) = findings(tmp_path, ORDER, event({"state": Literal["new", "paid", "sent"]}))
    assert found.hint.startswith("consumers first: release billing, which must accept the new form of state")
    assert found.change is not None
    assert found.change.witness == {"state": "sent"}
    assert findings(tmp_path, ORDER, event({"state": Literal["new"]})) == []


def test_a_new_field_of_an_event_breaks_nobody(tmp_path: Path) -> None:
    put(tmp_path, need(event({"order_id": int})))
    assert findings(tmp_path, ORDER, event({"order_id": int, "email": str})) == []


SEND = "sms/commands/send.v1.json"


def test_a_new_argument_of_a_command_is_for_its_senders_first(tmp_path: Path) -> None:
    """A sender may send what the running receiver ignores, so it can go first."""
    put(tmp_path, need(command({"phone": str}), "shop", "writes"))
    (found,) = findings(tmp_path, SEND, command({"phone": str, "text": str}))
    assert found.sentence.startswith("shop writes command sms/send v1: ")
    assert found.hint.startswith("senders first: release shop, which must send text")
    assert found.change is not None
    assert found.change.direction == "backward"
    assert findings(tmp_path, SEND, command({"phone": str, "text": (str, "")})) == []


def test_an_argument_that_a_command_no_longer_has_breaks_nobody(tmp_path: Path) -> None:
    put(tmp_path, need(command({"phone": str, "text": str}), "shop", "writes"))
    assert findings(tmp_path, SEND, command({"phone": str})) == []


def test_a_tighter_argument_is_for_its_senders_first(tmp_path: Path) -> None:
    put(tmp_path, need(command({"phone": str}), "shop", "writes"))
    (found,) = findings(tmp_path, SEND, command({"phone": Annotated[str, Field(max_length=12)]}))
    assert found.hint.startswith("senders first: release shop, which must send nothing in phone that is refused now")


def test_an_argument_of_another_type_is_for_both(tmp_path: Path) -> None:
    """The running receiver refuses the new form, so it must take both before a sender changes."""
    put(tmp_path, need(command({"phone": str}), "shop", "writes"))
    (found,) = findings(tmp_path, SEND, command({"phone": int}))
    assert found.hint.startswith("this service first, with phone as it was and as it will be; then release shop")


QUOTE = "pricing/calls/quote.v1.json"


def test_of_a_call_the_asker_writes_the_question_and_reads_the_reply(tmp_path: Path) -> None:
    class Short(PayloadModel):
        amount: int

    class Long(PayloadModel):
        amount: int
        currency: str

    put(tmp_path, need(call(Long, {"product_id": int}), "shop", "writes"))
    assert findings(tmp_path, QUOTE, call(Long, {"product_id": int, "city": (str, "")})) == []
    (question,) = findings(tmp_path, QUOTE, call(Long, {"product_id": int, "city": str}))
    assert question.hint.startswith("senders first: release shop, which must send city")
    (reply,) = findings(tmp_path, QUOTE, call(Short, {"product_id": int}))
    assert reply.sentence.startswith("shop reads the reply to call pricing/quote v1: ")
    assert reply.pointer.startswith("/x-contract/reply/")
    assert reply.hint.startswith("consumers first: release shop, which must do without currency")
    put(tmp_path, need(call(Short, {"product_id": int}), "shop", "writes"))
    assert findings(tmp_path, QUOTE, call(Long, {"product_id": int})) == []


def test_a_rest_payload_is_read_and_written(tmp_path: Path) -> None:
    """Only the client's code knows which, so both directions are judged."""

    def zone(fields: dict[str, Any]) -> type[PayloadModel]:
        made: type[PayloadModel] = model(PayloadModel, fields, resource="zones")
        return made

    put(tmp_path, need(zone({"name": str}), "shop", "both"))
    file = "delivery/rest/zones.v1.json"
    broken = [finding.change for finding in findings(tmp_path, file, zone({"id": int}))]
    assert [change and change.direction for change in broken] == ["backward", "forward"]
    assert findings(tmp_path, file, zone({"name": str, "note": (str, "")})) == []


def test_a_version_that_is_gone_breaks_who_reads_it(tmp_path: Path) -> None:
    put(tmp_path, need(event({"order_id": int})))
    newer = "shop/events/order.placed.v2.json"
    (found,) = findings(tmp_path, newer, event({"order_id": int}, version=2))
    assert (found.level, found.rule) == ("error", "needed-version-missing")
    assert found.sentence.startswith("billing reads event order.placed v1, which is not here")
    assert found.hint == (
        "release billing first: a handler of version 2 with up-casters from version 1 reads both; until then keep the "
        "class of version 1 in the code, and publish that version too"
    )


def test_a_version_that_is_gone_breaks_who_sends_it(tmp_path: Path) -> None:
    """It must stay readable until the sender is released."""
    put(tmp_path, need(command({"phone": str}), "shop", "writes"))
    (found,) = findings(tmp_path, "sms/commands/send.v2.json", command({"phone": str}, version=2))
    assert found.hint == (
        "release shop first: it must send version 2; until then read version 1 too, with up-casters or with its class "
        "and a handler"
    )


def test_an_old_document_is_not_written_any_more(tmp_path: Path) -> None:
    """It is kept for the sake of up-casters, which read old messages; nobody sends such a message to a reader."""
    newer = "shop/events/order.placed.v2.json"
    documents = {ORDER: document(event({"order_id": int})), newer: document(event({"order_id": int}, version=2))}
    put(tmp_path / "read", need(event({"order_id": int})))
    assert Consumers.below([tmp_path / "read"]).findings(documents) == []
    assert rules(Consumers.below([tmp_path / "read"]).findings(documents, written={newer})) == [
        ("error", "needed-version-missing")
    ]
    old, new = document(command({"phone": str})), document(command({"phone": str}, version=2))
    documents = {SEND: old, "sms/commands/send.v2.json": new}
    put(tmp_path / "written", need(command({"phone": str}), "shop", "writes"))
    written = {"sms/commands/send.v2.json"}
    assert Consumers.below([tmp_path / "written"]).findings(documents, written=written) == []


def test_readers_may_be_ahead_of_the_writer_and_senders_may_not(tmp_path: Path) -> None:
    put(tmp_path / "a", need(event({"order_id": int}, version=2)))
    assert rules(findings(tmp_path / "a", ORDER, event({"order_id": int}))) == [("info", "needed-version-ahead")]
    put(tmp_path / "b", need(command({"phone": str}, version=2), "shop", "writes"))
    (found,) = findings(tmp_path / "b", SEND, command({"phone": str}))
    assert (found.level, found.rule) == ("error", "needed-version-missing")
    assert found.hint.startswith("release this service first: it must have version 2")


def test_an_address_that_is_gone_is_an_error_where_it_was_this_services(tmp_path: Path) -> None:
    other = model(EventModel, {"n": int}, aggregate="order", event_type="sent")
    file = "shop/events/order.sent.v1.json"
    put(tmp_path / "owned", need(event({"order_id": int}, owner="shop")))
    (found,) = findings(tmp_path / "owned", file, other)
    assert (found.level, found.rule) == ("error", "needed-address-missing")
    assert found.sentence.startswith("billing reads event order.placed v1, and this service has no such contract")
    put(tmp_path / "unowned", need(event({"order_id": int})))
    assert findings(tmp_path / "unowned", file, other) == []
    former = {ORDER: document(event({"order_id": int}))}
    assert rules(findings(tmp_path / "unowned", file, other, former=former)) == [("error", "needed-address-missing")]
    put(tmp_path / "foreign", need(event({"order_id": int}, owner="warehouse")))
    put(tmp_path / "foreign", need(command({"phone": str}), "billing", "writes"))
    assert findings(tmp_path / "foreign", file, other) == []
    assert rules(findings(tmp_path / "foreign", file, other, service="sms")) == [("error", "needed-address-missing")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"x-contract": {"uses": "eats", "service": "billing"}}', "x-contract.uses is 'eats'"),
        ('{"x-contract": {"uses": ["reads"], "service": "billing"}}', "x-contract.uses is ['reads']"),
        ('{"x-contract": {"uses": "reads"}}', "x-contract.service is no name"),
        ('{"x-contract": {"uses": "reads", "service": "a\\u001b[31m"}}', "x-contract.service is no name"),
        ('{"x-contract": {"uses": "reads", "service": "billing", "kind": "event"}}', "x-contract.address lacks"),
    ],
)
def test_a_need_that_cannot_be_read_is_an_error(tmp_path: Path, text: str, why: str) -> None:
    """Nobody knows then who is broken."""
    (tmp_path / "x.json").write_text(text)
    _, (found, *_) = read_needs([tmp_path])
    assert (found.level, found.rule, found.file) == ("error", "need-unreadable", f"{tmp_path}/x.json")
    assert why in found.sentence


def test_a_need_that_is_found_twice_counts_once(tmp_path: Path) -> None:
    """One of the directories may lie in another."""
    put(tmp_path, need(event({"order_id": int})))
    assert len(read_needs([tmp_path, tmp_path / "billing"])[0]) == 1


def test_a_schema_that_is_no_schema_does_not_pass(tmp_path: Path) -> None:
    """Another repository's file may hold anything, and what holds no schema hides what is read."""
    broken = need(event({"order_id": int})) | {"properties": {"orderId": {"$ref": "#/nowhere"}}}
    put(tmp_path, broken)
    found = findings(tmp_path, ORDER, event({"order_id": int}))
    assert rules(found) == [("error", "need-unreadable")]


def change(direction: Any, pointer: str = "/properties/total") -> Change:
    return Change("some-rule", pointer, 1, 2, direction, "a change")


def test_own_findings_that_consumers_decide_become_infos(tmp_path: Path) -> None:
    """Forward of an event, backward of a command; what old messages meet stays an error."""
    consumers = Consumers.below([put(tmp_path, need(event({"order_id": int})))])
    documents = {ORDER: document(event({"order_id": int})), SEND: document(command({"phone": str}))}

    def level(file: str, changed: Change) -> str:
        own = Finding("error", changed.rule, file, changed.pointer, "x", "y", changed)
        (found,) = consumers.excused([own], documents)
        return f"{found.level}: {found.sentence}; {found.hint}"

    assert level(ORDER, change("forward")) == "info: x (judged by the needs of billing instead); "
    assert level(ORDER, change("backward")) == "error: x; y"
    assert level(SEND, change("backward")) == "info: x (no known consumer uses it); "
    assert level(SEND, change("forward")) == "error: x; y"
    assert level("other/events/x.y.v1.json", change("forward")) == "error: x; y"


def test_own_findings_about_a_reply_point_the_other_way(tmp_path: Path) -> None:
    consumers = Consumers.below([put(tmp_path, need(call(int, {"n": int}), "shop", "writes"))])
    documents = {QUOTE: document(call(int, {"n": int}))}

    def level(direction: Any, pointer: str) -> str:
        own = Finding("error", "some-rule", QUOTE, pointer, "x", "y", change(direction, pointer))
        return consumers.excused([own], documents)[0].level

    assert level("backward", "/properties/n") == "info"
    assert level("forward", "/properties/n") == "error"
    assert level("forward", "/x-contract/reply/type") == "info"
    assert level("backward", "/x-contract/reply/type") == "error"


def test_what_cannot_be_decided_is_excused_where_it_can_only_be_outward(tmp_path: Path) -> None:
    """The direction that is this service's own affair must be proved by itself."""
    consumers = Consumers.below([put(tmp_path, need(event({"order_id": int})))])
    own = Finding("error", "compatibility-unknown", ORDER, "", "not known", "y")
    former = {ORDER: document(event({"order_id": int, "total": int}))}

    def level(now: type[EventModel], former: dict[str, Any]) -> str:
        return consumers.excused([own], {ORDER: document(now)}, former)[0].level

    assert level(event({"order_id": int}), former) == "info"
    assert level(event({"order_id": int, "total": int, "city": str}), former) == "error"
    assert level(event({"order_id": int}), {}) == "error"


def test_faults_of_files_are_never_excused(tmp_path: Path) -> None:
    consumers = Consumers.below([put(tmp_path, need(event({"order_id": int})))])
    own = Finding("error", "document-edited", ORDER, "", "was edited")
    assert consumers.excused([own], {ORDER: document(event({"order_id": int}))}) == [own]


def test_use_of_each_kind() -> None:
    """Whose it is and whether it is handled decide; an event that nobody owns is needed where it is handled."""
    own, other, unowned = (event({"n": int}, owner="shop"), event({"n": int}, owner="x"), event({"n": int}))
    table = [(contract, handled) for contract in (own, other, unowned) for handled in (True, False)]
    assert [use_of(contract, "shop", handled=handled) for contract, handled in table] == [
        *(None, None),
        *("reads", None),
        *("reads", None),
    ]
    send = command({"n": int})
    assert [use_of(send, "shop", handled=handled) for handled in (True, False)] == [None, "writes"]
    assert use_of(send, "sms", handled=False) is None


def test_needs_are_sorted_by_file() -> None:
    """Whatever order the classes were made in."""
    contracts = [command({"n": int}), call(int, {"n": int}), event({"n": int}, owner="x")]
    made = needs_of(contracts, "shop", [contracts[2]])
    assert [file for file, _, _ in made] == [
        "shop/needs/calls/pricing.quote.v1.json",
        "shop/needs/commands/sms.send.v1.json",
        "shop/needs/events/order.placed.v1.json",
    ]


def test_an_address_as_it_is_spoken() -> None:
    identities = [("event", "a", "b.c"), ("command", "sms", "send"), ("command", "sms", ""), ("rest", "a/b")]
    assert list(map(spoken, identities)) == ["event a.b.c", "command sms/send", "command sms", "rest a/b"]


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("", ""),
        ("/properties/total", "total"),
        ("/properties/lines/items/properties/sku", "lines[].sku"),
        ("/$defs/Line/properties/sku", "Line.sku"),
        ("/properties/tags/additionalProperties", "tags.*"),
        ("/properties/a~1b/type", "a/b"),
        ("/properties/properties/enum", "properties"),
    ],
)
def test_the_field_that_a_pointer_names(pointer: str, field: str) -> None:
    assert field_of(pointer) == field
