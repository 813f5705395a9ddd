"""MCP: the registry as tools for agents."""
