from __future__ import annotations

from typing import ClassVar

from django.db import models


class Parcel(models.Model):
    objects: ClassVar[models.Manager[Parcel]]

    order_id = models.BigIntegerField(unique=True)
    city = models.CharField(max_length=8)
    ordered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"parcel {self.pk} for order {self.order_id}"


class Courier(models.Model):
    objects: ClassVar[models.Manager[Courier]]

    order_id = models.BigIntegerField()
    phone = models.CharField(max_length=20)
    needed_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"courier {self.pk} for order {self.order_id}"
