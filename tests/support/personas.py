"""A persona with everything, as HTTP takes it, and pictures that are real ones."""

from base64 import b64decode
from typing import Any, Final

NIA: Final[dict[str, Any]] = {
    "name": "Nia",
    "description": "A gardener.",
    "personality": "calm",
    "scenario": "a garden in May",
    "greeting": "Hello {{user}}, I am {{char}}.",
    "alternate_greetings": ["Hi.", "Oh."],
    "example_dialogue": "<START>\n{{char}}: Roses need time.",
    "system_prompt": "Stay calm.",
    "post_history": "Short answers.",
    "creator_notes": "Be kind to her.",
    "tags": ["garden", "calm"],
    "provider": "scripted",
    "model": "a-model",
    "temperature": 0.5,
    "max_tokens": 64,
    "visibility": "public",
    "lore": {
        "entries": [
            {
                "keys": ["rose"],
                "content": "Roses bloom in June.",
                "name": "roses",
                "enabled": True,
                "constant": False,
                "selective": True,
                "secondary_keys": ["bloom"],
                "case_sensitive": True,
                "use_regex": False,
                "insertion_order": 7,
                "priority": 3,
                "extensions": {"depth": 4},
            }
        ],
        "scan_depth": 3,
        "token_budget": 200,
        "recursive": True,
        "rest": {"name": "Plants"},
    },
}

PNG: Final = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""One black pixel."""

GIF: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
WEBP: Final = b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
