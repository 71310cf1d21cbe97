"""What a parameter is, every command's parameters, and how they are typed."""
