"""Where everything is."""

from __future__ import annotations

from django.apps import apps
from django.urls import include, path
from shop import operations, views

urlpatterns = [
    path("orders", views.orders, name="orders"),
    path("quotes/<slug:sku>", views.quote, name="quote"),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
    path("version", operations.version),
    path("metrics", operations.metrics),
]
if apps.is_installed("silk"):
    urlpatterns.append(path("silk/", include("silk.urls", namespace="silk")))
