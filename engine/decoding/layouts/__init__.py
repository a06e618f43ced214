"""How a target's weights lie in memory, and the one step that every layout takes over them."""
