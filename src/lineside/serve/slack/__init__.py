"""The Slack app: a message or a text becomes a note, a decision or an outcome with one tap, and handovers are posted.
Slack reaches it over HTTP, below one path of the web server, or it connects to Slack (Socket Mode)."""
