"""What was found, drawn for people: each report computes from judged cases, and one place prints."""
