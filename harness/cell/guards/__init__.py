"""What keeps a case from reaching out of its process, and notices where it did."""
