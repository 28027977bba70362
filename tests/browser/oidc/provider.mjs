// An OpenID provider on this machine, for the tests: certified code, keys of a minute, and people without passwords.
// Usage: node provider.mjs REDIRECT_URI ID_TOKEN_SECONDS; says where it listens.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const [redirectUri, idTokenSeconds] = process.argv.slice(2)

// It has to know its own address, which is known once it listens.
const server = createServer()
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const issuer = `http://127.0.0.1:${server.address().port}`

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'gator',
      client_name: 'Gator Chat',
      // A public client; `native` may be at http://127.0.0.1 (RFC 8252).
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'tests' }] },
  cookies: { keys: ['the cookies of the tests'] },
  scopes: ['openid', 'offline_access', 'profile'],
  claims: { openid: ['sub'], profile: ['name', 'roles'] },
  conformIdTokenClaims: false,
  clientBasedCORS: () => true,
  features: { devInteractions: { enabled: false } },
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 60,
    Grant: 3600,
    IdToken: Number(idTokenSeconds),
    Interaction: 600,
    RefreshToken: 3600,
    Session: 3600,
  },
  issueRefreshToken: () => true,
  interactions: { url: (_context, interaction) => `/login/${interaction.uid}` },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id[0].toUpperCase() + id.slice(1),
      roles: id === 'admin' ? ['admin'] : [],
    }),
  }),
  // Whoever logs in has agreed.
  async loadExistingGrant({ oidc }) {
    const known = oidc.session.grantIdFor(oidc.client.clientId)
    if (known !== undefined) return oidc.provider.Grant.find(known)
    const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId })
    grant.addOIDCScope('openid profile offline_access')
    await grant.save()
    return grant
  },
})

const LOGIN = `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>Log in</title>
<form method="post"><label>User <input name="user" autofocus></label> <button>Log in</button></form></html>`

server.on('request', async (request, response) => {
  if (!request.url.startsWith('/login/')) return provider.callback()(request, response)
  const { prompt } = await provider.interactionDetails(request, response)
  if (prompt.name === 'consent') {
    return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
  }
  if (request.method === 'GET') return response.setHeader('Content-Type', 'text/html').end(LOGIN)
  let body = ''
  for await (const part of request) body += part
  const accountId = new URLSearchParams(body).get('user')
  return provider.interactionFinished(request, response, { login: { accountId } })
})

console.log(`listening on ${issuer}`)
