"""The application under the import path of the platform's own documents."""

from gator.app import create_app

app = create_app()
