"""The faces: command line, HTTP and web pages. Nothing is decided here; everything is shown."""
