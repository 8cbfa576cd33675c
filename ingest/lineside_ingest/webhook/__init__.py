"""Webhooks: what other systems post, signed by them, as CloudEvents or as JSON of their own."""

from lineside_ingest.webhook.connector import Webhook

__all__ = ["Webhook"]
