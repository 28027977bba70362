"""A language model of 100 KB for tests: real to llama.cpp, loaded at once, and talks nonsense fast.

One layer of random weights over 256 bytes, in GGUF, written with the `gguf` package.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import gguf
import numpy as np

BYTES: Final = range(256)
"""Tokens that are one byte each: what it says is no valid UTF-8, most of the time."""

PRINTABLE: Final = range(32, 127)
END: Final = 258
"""The token that ends a reply."""

CONTEXT: Final = 4096
WIDTH: Final = 32
HEADS: Final = 2
SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE: Final = (
    "{% for x in messages %}<|im_start|>{{x.role}}\n{{x.content}}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def write_byte_model(path: Path, says: Collection[int] = PRINTABLE) -> Path:
    """Write a model that says these tokens and no others; without `END` it talks until it is cut."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer)
    _fill(writer, says)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter) -> None:
    tokens = [*_byte_names(), *SPECIAL]
    writer.add_name("bytes")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(SPECIAL))
    writer.add_token_merges(["a a"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(END)
    writer.add_chat_template(TEMPLATE)


def _fill(writer: gguf.GGUFWriter, says: Collection[int]) -> None:
    random = np.random.default_rng(0)

    def weights(rows: int, spread: float) -> np.ndarray:
        return random.normal(0, spread, (rows, WIDTH)).astype(np.float32)

    size = 256 + len(SPECIAL)
    words, answers = weights(size, 0.5), weights(size, 0.05)
    # The first number of every state is large, and speaks against what is not to be said.
    words[:, 0] = 10
    answers[:, 0] = [0 if token in says else -10 for token in range(size)]
    writer.add_tensor("token_embd.weight", words)
    writer.add_tensor("output.weight", answers)
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{norm}.weight", np.ones(WIDTH, np.float32))
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{part}.weight", weights(WIDTH, 0.1))


def _byte_names() -> list[str]:
    """Name each byte as GPT-2's tokenizer does: by itself if it can be seen, else by a letter beyond 255."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unseen = iter(range(256, 512))
    return [chr(byte) if byte in seen else chr(next(unseen)) for byte in range(256)]
