from __future__ import annotations

from typing import ClassVar

from django.db import models


class Order(models.Model):
    objects: ClassVar[models.Manager[Order]]

    city = models.CharField(max_length=8)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    days = models.PositiveIntegerField(help_text="How long the delivery takes.")
    quote_call = models.CharField(max_length=36, blank=True, help_text="The call that asks for the delivery's price.")
    delivery_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)

    def __str__(self) -> str:
        return f"order {self.pk}"
