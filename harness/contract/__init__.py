"""What both sides of the wall share: records, catalogs, routes, the plan. Standard library and packaging only."""
