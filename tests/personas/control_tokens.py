"""Control tokens of chat templates in use, listed one by one as their models' vocabularies have them."""

from typing import Final

CONTROL_TOKENS: Final = [
    # ChatML, Qwen, SmolLM2
    *("<|im_start|>", "<|im_end|>", "<|im_sep|>", "<|endoftext|>", "<|vision_start|>", "<|object_ref_start|>"),
    # Llama 2, Mistral
    *("<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    *("[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
    *("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]", "[THINK]", "[/THINK]", "[ARGS]", "[CALL_ID]"),
    # Llama 3
    *(
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
        "<|eom_id|>",
    ),
    *("<|reserved_special_token_0|>", "<|finetune_right_pad_id|>", "<|python_tag|>"),
    # Gemma, T5
    *("<bos>", "<eos>", "<pad>", "<mask>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<unused7>"),
    *("<extra_id_0>",),
    # Phi, gpt-oss, GLM, Zephyr
    *(
        "<|system|>",
        "<|user|>",
        "<|assistant|>",
        "<|end|>",
        "<|start|>",
        "<|channel|>",
        "<|message|>",
        "<|return|>",
    ),
    *("<|observation|>", "[gMASK]", "<sop>", "<eop>"),
    # Command R, Granite
    *(
        "<|START_OF_TURN_TOKEN|>",
        "<|END_OF_TURN_TOKEN|>",
        "<|SYSTEM_TOKEN|>",
        "<|USER_TOKEN|>",
        "<|CHATBOT_TOKEN|>",
    ),
    *("<|start_of_role|>", "<|end_of_role|>"),
    # DeepSeek
    *(
        "<｜begin▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        "<｜User｜>",
        "<｜Assistant｜>",
        "<｜tool▁calls▁begin｜>",
    ),
    # Tools and thoughts
    *("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"),
    # BERT and its kind
    *("[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]"),
]


def tokens_in(text: str) -> list[str]:
    """Find the control tokens of a text, in any case."""
    folded = text.casefold()
    return [token for token in CONTROL_TOKENS if token.casefold() in folded]
