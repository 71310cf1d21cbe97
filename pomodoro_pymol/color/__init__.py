"""Numbers to colours."""
