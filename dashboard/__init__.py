"""The room with the view: what a person sees. It shows and asks; it calls no provider and imports no server."""
