import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    globalSetup: 'tests/support/global-setup.ts',
    // Two cores are shared with the servers that the tests start.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
})
