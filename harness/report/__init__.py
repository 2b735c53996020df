"""Reports for people and programs: each is computed from judged cases, and one module prints."""
