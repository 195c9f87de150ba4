"""Networks side by side: their numbers, what was published of their accuracy, and a chart."""
