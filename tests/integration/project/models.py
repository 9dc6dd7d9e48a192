from __future__ import annotations

from typing import ClassVar

from django.db import models


class Effect(models.Model):
    """What a handler did, in its transaction."""

    kind = models.CharField(max_length=100)
    number = models.IntegerField()
    text = models.TextField(default="")

    objects: ClassVar[models.Manager[Effect]] = models.Manager()

    class Meta:
        app_label = "project"

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
