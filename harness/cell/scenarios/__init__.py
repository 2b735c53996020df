"""The protocol and context of routes, and running a case of one."""
