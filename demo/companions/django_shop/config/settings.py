"""What the shop is told from outside, by SHOP_* variables."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote, urlsplit

_database = urlsplit(os.environ["SHOP_DATABASE_URL"])
_profile = bool(os.environ.get("SHOP_PROFILE"))
"""Development only: what each request asks the database is shown at /silk/."""

DEBUG = False
SECRET_KEY = os.environ["SHOP_SECRET_KEY"]
ALLOWED_HOSTS = os.environ.get("SHOP_HOSTS", "127.0.0.1,localhost").split(",")
REVISION = os.environ.get("SHOP_REVISION", "")
PRICES_URL = os.environ.get("SHOP_PRICES_URL", "http://127.0.0.1:9")

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]

POOL = {"min_size": 2, "max_size": 12, "max_lifetime": 1800, "max_idle": 300, "timeout": 5}
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "NAME": _database.path.lstrip("/"),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        # The pool keeps connections; a request gives its own back at its end, as Django then closes it.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "shop", "pool": POOL},
    }
}

if _profile:
    INSTALLED_APPS += ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles", "silk"]
    MIDDLEWARE.insert(0, "silk.middleware.SilkyMiddleware")
    STATIC_URL = "/static/"
    TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
