"""What the server answers: webhooks, the task API, files and its own health."""
