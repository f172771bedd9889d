// Both flows over TLS on VNeID's encrypted wire, in a browser that believes the run's own authority and checks every
// certificate: __Host-, Secure and SameSite are what a browser makes of them, between two sites.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { authority, home, rsa } from './authority.mjs';
import { launch, person, start } from './browser.mjs';
import { atPortal, atVNeID, button, freePorts, seen } from './steps.mjs';

const host = 'cong.minhha.test'; // nobody's: the name is reserved for tests (RFC 6761)
const resolve = [`--host-resolver-rules=MAP ${host} 127.0.0.1`];
let browser, files, folder, origin, personas, port, proxy, simulators, vneid;

// directory is the portal's accounts as the proxy reads them.
function directory(people) {
  const columns = { id: 'account_id', username: 'username', kind: 'kind', citizen_number: 'citizen_number',
    citizen_number_verified: 'citizen_number_verified', id_card_number: 'id_card_number', name: 'name', birth_date: 'birth_date' };
  const rows = people.flatMap((p) => p.portal_accounts)
    .map((account) => Object.values(columns).map((member) => account[member] ?? '').join(','));
  return [Object.keys(columns).join(','), ...rows, ''].join('\n');
}

const key = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vneid-proxy-tls-'));
  let at;
  [port, ...at] = await freePorts(5);
  const [admin, vneidPort, population, portal] = at;
  origin = `https://${host}:${port}`;
  vneid = `https://localhost:${vneidPort}`;
  files = await authority(folder, [host, 'localhost']);
  const pair = await rsa(folder);
  const secrets = { client: key(), population: key(), credential: key() };
  simulators = await start(process.env.SIMULATORS, ['all',
    '--listen-vneid', `localhost:${vneidPort}`, '--vneid-tls-cert', files.certificate, '--vneid-tls-key', files.key,
    '--listen-population', `localhost:${population}`, '--listen-portal', `localhost:${portal}`,
    '--redirect-uri', `${origin}/_vneid/callback`, '--client-public-key', pair.pub, '--client-id', 'portal',
    `--client-secret=${secrets.client}`, `--population-token=${secrets.population}`, `--credential-token=${secrets.credential}`,
  ], { ready: /^portal .*$/m });
  const people = await (await fetch(`http://localhost:${portal}/personas.json`)).json();
  personas = Object.fromEntries(people.map((p) => [p.key, p]));
  await writeFile(join(folder, 'accounts.csv'), directory(people));
  const later = new Date(Date.now() + 30 * 86400_000).toISOString().slice(0, 10);
  const environment = {
    LISTEN: `127.0.0.1:${port}`, ADMIN_LISTEN: `127.0.0.1:${admin}`, PUBLIC_URL: origin,
    TLS_CERT_FILE: files.certificate, TLS_KEY_FILE: files.key,
    UPSTREAM_URL: `http://localhost:${portal}`, PUBLIC_PATHS: '/assets/,/gioi-thieu',
    PORTAL_LOGIN_URL: '/dang-nhap', PORTAL_WHOAMI_URL: '/api/whoami', PORTAL_SESSION_COOKIES: 'PORTAL_SID',
    PROVIDER: 'vneid-encrypted', AUTHORIZE_URL: `${vneid}/v2/authorize`, TOKEN_URL: `${vneid}/v2/token`,
    USERINFO_URL: `${vneid}/v2/userinfo`, DECRYPTION_KEY_FILES: pair.key, CLIENT_ID: 'portal', CLIENT_SECRET: secrets.client,
    SECRET_KEYS: key(), LEDGER_KEYS: key(), LEDGER_INDEX_KEY: key(), LEDGER_URL: `sqlite://${folder}/ledger.db`,
    DIRECTORY_URL: `embedded:${folder}/accounts.csv`, DIRECTORY_TOKEN: secrets.credential,
    DIRECTORY_CREDENTIAL_URL: `http://localhost:${portal}/api/credential`,
    POPULATION_URL: `http://localhost:${population}/v1/match`, POPULATION_TOKEN: secrets.population,
    LEGACY_SIGN_IN_UNTIL: later, SKIP_UNTIL: later, DRAIN_DELAY: '0s', DRAIN_TIMEOUT: '5s',
  };
  proxy = await start(process.env.BINARY, ['serve'], {
    ready: /"msg":"serving"/,
    env: { SSL_CERT_FILE: files.authority, // whom the proxy believes: VNeID's authority, and no other
      ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [`VNEID_PROXY_${name}`, value])) },
  });
  browser = await launch({ args: resolve, env: { ...process.env, HOME: await home(join(folder, 'home'), files.authority) } });
});

after(async () => {
  await browser?.close();
  const ended = [await proxy?.stop(), await simulators?.stop()];
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(ended, [0, 0], 'all stop cleanly');
});

// ours checks every cookie of ours in the browser, and gives their names without the number of an attempt.
async function ours(page) {
  const cookies = (await page.context().cookies(origin)).filter(({ name }) => name.includes('vneid'));
  for (const cookie of cookies) {
    const { name, domain, path, secure, httpOnly, sameSite, expires } = cookie;
    assert.match(name, /^__Host-vneid_(session|proof|attempt_[0-7])$/);
    assert.deepEqual({ domain, path, secure, httpOnly, sameSite, expires },
      { domain: host, path: '/', secure: true, httpOnly: true, sameSite: 'Lax', expires: -1 }, name);
  }
  return [...new Set(cookies.map(({ name }) => name.replace(/_\d$/, '')))].sort();
}

// received asks, as a script of the portal's page would, what the portal received.
const received = (page) => page.evaluate(async () => {
  const reply = await fetch('/headers', { headers: { Accept: 'application/json' } });
  return (await reply.json()).headers;
});

// forwarded is whom the portal was told that it serves, over what.
async function forwarded(page, who) {
  const got = await received(page);
  assert.deepEqual(got['X-Forwarded-User'], [who.portal_accounts[0].account_id]);
  assert.deepEqual(got['X-Identity-Citizen-Number'], [who.citizen_number]);
  assert.deepEqual(got['X-Identity-Standing'], ['linked']);
  assert.deepEqual(got['X-Forwarded-Proto'], ['https']);
  assert.deepEqual(got['X-Forwarded-Host'], [`${host}:${port}`]);
  assert.ok(!(got.Cookie ?? []).join().includes('vneid'), 'our cookies stay here');
}

test('the guide, by update, then VNeID', async () => {
  const { cmnd } = personas;
  const page = await person(browser);
  await page.goto(`${origin}/ho-so?trang=1`);
  await seen(page, 'Đăng nhập', 'tls-sign-in');
  assert.deepEqual(await ours(page), [], 'nothing to carry before a way in is chosen');
  await atPortal(page, cmnd.portal_accounts[0]);
  assert.deepEqual(await ours(page), ['__Host-vneid_attempt']);
  await page.click('#login-submit');
  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'tls-link');
  assert.ok((await ours(page)).includes('__Host-vneid_proof'));
  await page.fill('#citizen_number', cmnd.citizen_number);
  await page.check('#consent');
  await button(page, 'Cập nhật').click();
  assert.equal(page.url(), `${origin}/ho-so?trang=1`, 'lands on the page first asked for');
  const carried = await ours(page);
  assert.ok(carried.includes('__Host-vneid_session') && !carried.includes('__Host-vneid_proof'), carried.join());
  await forwarded(page, cmnd);
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees any');

  await page.goto(`${origin}/_vneid/identity`);
  await seen(page, 'Thông tin định danh', 'tls-identity');
  await page.goto(`${origin}/_vneid/sign-out`);
  await seen(page, 'Đăng xuất?', 'tls-sign-out');
  await button(page, 'Đăng xuất').click();
  await seen(page, 'Đã đăng xuất', 'tls-signed-out');
  assert.ok(!(await ours(page)).includes('__Host-vneid_session'));

  await page.goto(`${origin}/ca-nhan`);
  await atVNeID(page, 'cmnd');
  await page.waitForURL(`${origin}/ca-nhan`);
  await forwarded(page, cmnd);
  await page.context().close();
});

test('VNeID first, then the old account by its password', async () => {
  const { tone } = personas;
  const page = await person(browser);
  const callbacks = [];
  page.on('request', (request) => {
    if (request.url().includes('/_vneid/callback?')) callbacks.push(request.url());
  });
  await page.goto(`${origin}/ho-so`);
  await page.getByRole('link', { name: /VNeID/ }).first().click();
  await page.waitForURL(`${vneid}/login?**`);
  assert.deepEqual((await page.context().cookies(vneid)).filter(({ name }) => name.includes('vneid_')), [], 'VNeID gets none of ours');
  await page.click('button[data-persona=tone]');
  await page.waitForURL(/_vneid\/link/);
  assert.match(callbacks.join(), /&encrypt_key=/, 'the code came in an envelope');
  await seen(page, 'Xác nhận tài khoản cũ', 'tls-prove');
  assert.ok((await ours(page)).includes('__Host-vneid_proof'), 'back from another site with SameSite=Lax');
  await page.fill('#username', tone.portal_accounts[0].username);
  await page.fill('#password', tone.portal_accounts[0].password);
  await page.check('#consent');
  await page.locator('form[action$="/link/proof"] button').click();
  assert.equal(page.url(), `${origin}/ho-so`);
  assert.ok((await ours(page)).includes('__Host-vneid_session'));
  await forwarded(page, tone);
  await page.context().close();
});

test('plain http at the same port gets nothing of the portal', async () => {
  const [status, body] = await new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/gioi-thieu', headers: { Host: `${host}:${port}` } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => resolve([answer.statusCode, text]));
    }).on('error', reject);
  });
  assert.equal(status, 400);
  assert.equal(body, 'Client sent an HTTP request to an HTTPS server.\n');
});

// Without this, the tests above could pass in a browser that believes anybody.
test('a browser that does not know the authority goes no further', async () => {
  const stranger = await launch({ args: resolve, env: { ...process.env, HOME: await home(join(folder, 'stranger')) } });
  const page = await person(stranger);
  await assert.rejects(page.goto(`${origin}/gioi-thieu`), /ERR_CERT_AUTHORITY_INVALID/);
  await assert.rejects(page.goto(`${vneid}/`), /ERR_CERT_AUTHORITY_INVALID/);
  await stranger.close();
});
