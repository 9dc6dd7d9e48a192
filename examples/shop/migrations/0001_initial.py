from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=8)),
                ("total", models.DecimalField(decimal_places=2, max_digits=12)),
                ("days", models.PositiveIntegerField(help_text="How long the delivery takes.")),
                (
                    "quote_call",
                    models.CharField(
                        blank=True, help_text="The call that asks for the delivery's price.", max_length=36
                    ),
                ),
                ("delivery_price", models.DecimalField(decimal_places=2, max_digits=12, null=True)),
            ],
        ),
    )
