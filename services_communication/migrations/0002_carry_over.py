"""Unsent rows of django-microservices-communication 2.6.8 move into the outbox.

Its table stays, empty: its migrations (0001_initial … 0006_publishedeventqueue_properties) are recorded under this
app's label, and dropping another library's table is the user's decision.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from services_communication.clock import DatabaseNow

OLD_TABLE = "services_communication_publishedeventqueue"
ROWS = 500


def carry_over(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if OLD_TABLE not in tables:
            return
        columns = {column.name for column in connection.introspection.get_table_description(cursor, OLD_TABLE)}
    if "properties" not in columns:
        raise RuntimeError(
            f"table {OLD_TABLE} is not in the shape of version 2.6.8: migrate to that version first, or drop the table"
        )
    old = apps.get_model("services_communication", "PublishedEventQueue").objects.using(connection.alias)
    new = apps.get_model("services_communication", "OutboxMessage").objects.using(connection.alias)
    while rows := list(old.order_by("id")[:ROWS]):
        new.bulk_create([_outbox_row(new.model, row) for row in rows])
        old.filter(pk__in=[row.pk for row in rows]).delete()


def _outbox_row(model: Any, row: Any) -> Any:
    due_at = row.send_after_time or row.event_time
    tags = sorted((name, str(value)) for name, value in (row.tags or {}).items())
    return model(
        message_id=str(uuid.uuid4()),  # the old ids are numbers of one table, not unique among services
        exchange=row.exchange,
        routing_key=row.routing_key,
        body=json.dumps(_body(row), cls=DjangoJSONEncoder).encode(),
        type=row.event_type or row.routing_key,
        correlation_id=(row.properties or {}).get("correlation_id") or "",
        timestamp=row.event_time or row.create_time,
        tags=json.dumps(tags) if tags else None,
        due_at=due_at or DatabaseNow(),
    )


def _body(row: Any) -> Any:
    if row.is_new_style:
        return row.body
    return {
        "eventId": row.id,
        "eventTime": row.event_time.isoformat(),
        "eventType": row.event_type,
        "aggregate": row.aggregate,
        "payload": row.payload,
    }


class Migration(migrations.Migration):
    dependencies = [("services_communication", "0001_outbox")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="PublishedEventQueue",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("create_time", models.DateTimeField()),
                        ("is_new_style", models.BooleanField(null=True)),
                        ("exchange", models.CharField(max_length=64)),
                        ("routing_key", models.CharField(max_length=256)),
                        ("body", models.JSONField(null=True)),
                        ("event_time", models.DateTimeField(null=True)),
                        ("aggregate", models.CharField(null=True, max_length=64)),
                        ("event_type", models.CharField(null=True, max_length=64)),
                        ("payload", models.JSONField(null=True)),
                        ("send_after_time", models.DateTimeField(null=True)),
                        ("tags", models.JSONField(null=True)),
                        ("properties", models.JSONField(null=True)),
                    ],
                    options={"db_table": OLD_TABLE},
                )
            ]
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop, elidable=True),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("PublishedEventQueue")]),
    ]
