"""What is stored."""

from __future__ import annotations

from django.db import models


class Customer(models.Model):
    """Who orders."""

    name = models.TextField()


class Order(models.Model):
    """What was ordered at once."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    placed = models.DateTimeField(auto_now_add=True)


class Line(models.Model):
    """One article of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.SlugField()
    quantity = models.PositiveIntegerField()
