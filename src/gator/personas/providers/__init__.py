"""Where replies come from: one file a provider, all behind the port `ReplyProvider`."""
