"""Slack channels by the Web API, and Slack's exports: each message a note in its writer's words."""

from lineside_ingest.slack_channels.connector import SlackChannels

__all__ = ["SlackChannels"]
