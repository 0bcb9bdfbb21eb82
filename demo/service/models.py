"""What clients send and receive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Sku = Annotated[str, StringConstraints(pattern=r"^SKU-[A-Z0-9]{1,16}$")]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Status = Literal["open", "paid", "shipped", "cancelled"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewItem(_Strict):
    """A line of an order to be placed."""

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=1000)]


class NewOrder(_Strict):
    """An order to be placed."""

    customer_id: Id
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    """The client's own name for the order."""
    items: Annotated[list[NewItem], Field(min_length=1, max_length=50)]


class StatusChange(_Strict):
    """A new state for an order."""

    status: Status


class Item(BaseModel):
    """A line of an order."""

    sku: str
    quantity: int
    unit_price_cents: int


class Order(BaseModel):
    """An order."""

    id: int
    customer_id: int
    reference: str
    status: Status
    total_cents: int
    created_at: datetime
    items: list[Item]


class OrderPage(BaseModel):
    """Some orders, newest first."""

    orders: list[Order]
    next: int | None
    """Give it as ``before`` to get the page that follows; None on the last one."""


class Customer(BaseModel):
    """A customer."""

    id: int
    name: str
    email: str


class Price(BaseModel):
    """What an article costs."""

    sku: str
    unit_price_cents: int


class Quote(Price):
    """What an article would cost a customer today."""

    discount_percent: int


class StatusTotal(BaseModel):
    """Orders of one tenant in one state."""

    tenant: str
    status: Status
    orders: int
    total_cents: int


class Version(BaseModel):
    """The build that answers."""

    sha: str


class Caller(BaseModel):
    """Which instance answered, and to whom."""

    instance: str
    identity: str | None
