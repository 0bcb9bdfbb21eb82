"""The shop in this process, for checks that call it without a server."""

from __future__ import annotations

import os

import django
import pytest
from django.test import Client


@pytest.fixture(scope="session")
def shop() -> Client:
    """Asks the shop's views, on the database of SHOP_DATABASE_URL."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    return Client(headers={"host": "localhost"})
