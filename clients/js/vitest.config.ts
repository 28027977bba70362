import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    // Two cores are shared with whatever else is being built.
    maxWorkers: 2,
  },
})
