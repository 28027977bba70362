/* Bounds of a conversation's memory, as the server has them. */

export const MAX_SUMMARY_CHARS = 8_000
export const MAX_PINS = 50
export const MAX_PIN_CHARS = 500
