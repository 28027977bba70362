import { createServer } from 'node:http'

/**
 * A model that says what it is told to: OpenAI's chat completions, streamed word by word.
 *
 * @param {(question: string) => { text: string, pause?: number, hold?: boolean, breakOff?: boolean, status?: number }} answer
 */
export async function startModel(answer) {
  const held = new Set()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { messages = [] } = JSON.parse(body || '{}')
    const question = messages.findLast((message) => message.role === 'user')?.content ?? ''
    const { text, pause = 0, hold = false, breakOff = false, status = 200 } = answer(String(question))
    if (status !== 200) return response.writeHead(status).end('{}')
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    for (const word of text.match(/\S+\s*|\s+/g) ?? []) {
      response.write(chunk({ delta: { content: word } }))
      if (pause > 0) await new Promise((resume) => setTimeout(resume, pause))
    }
    if (breakOff) return response.destroy()
    if (hold) return void held.add(response)
    response.write(chunk({ delta: {}, finish_reason: 'stop' }))
    response.end('data: [DONE]\n\n')
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address()
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      for (const response of held) response.destroy()
      server.close()
      server.closeAllConnections()
    },
  }
}

function chunk(choice) {
  return `data: ${JSON.stringify({ model: 'scripted-1', choices: [{ index: 0, ...choice }] })}\n\n`
}
