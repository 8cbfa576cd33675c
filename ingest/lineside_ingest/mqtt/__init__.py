"""MQTT brokers: what plant systems publish, as JSON, text, numbers or Sparkplug B, acknowledged when it is kept."""

from lineside_ingest.mqtt.connector import Mqtt

__all__ = ["Mqtt"]
