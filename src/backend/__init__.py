"""The import path that platforms of the Gator family use."""
