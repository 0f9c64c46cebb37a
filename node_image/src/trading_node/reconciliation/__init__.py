"""Whether the node and a venue agree: pure decisions about orders, fills and positions on both sides."""
