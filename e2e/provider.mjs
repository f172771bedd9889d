// The OpenID provider oidc-provider, for the interop test: node provider.mjs settings.json
// It serves until its standard input ends.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const jwk = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
const provider = new Provider(settings.issuer, {
  clients: [settings.client],
  jwks: { keys: [jwk('rsa', { modulusLength: 2048 }), jwk('ec', { namedCurve: 'P-256' })] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
  cookies: { keys: [settings.cookie_key] },
  claims: { openid: ['sub'], profile: ['name', 'birthdate', 'citizenPid', 'accountLevel'] },
  findAccount: (_, id) => settings.people[id] && {
    accountId: id,
    claims: () => ({ sub: id, ...settings.people[id] }),
  },
  pkce: { required: () => true },
  features: {
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: settings.pushed },
  },
  // Its own fetch refuses loopback, where everything is here.
  fetch: (address, { dispatcher, ...options }) => fetch(address, options),
});
provider.on('backchannel.error', (_, error) => console.error(`back-channel: ${error.message}`));
provider.on('pushed_authorization_request.error', (_, error) => console.error(`pushed request: ${error.message}: ${error.error_description}`));
provider.on('grant.error', (_, error) => console.error(`token: ${error.message}: ${error.error_description}`));
provider.on('server_error', (_, error) => console.error(error));
const server = provider.listen(settings.port, '127.0.0.1', () => console.log('ready'));
process.stdin.resume();
process.stdin.on('end', () => { server.close(); server.closeAllConnections(); process.exit(0); });
