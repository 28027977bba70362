"""Every metric and every log field, named once."""
