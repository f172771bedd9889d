// A form that met an expired session: the browser itself sends it again, across the redirect and under our pages' policy.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, person, start } from './browser.mjs';
import { atVNeID, button, freePorts, seen } from './steps.mjs';

let browser, folder, origin, proxy, simulators;
const key = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vneid-proxy-kept-'));
  const [port, admin, vneid, population, portal] = await freePorts(5);
  origin = `http://127.0.0.1:${port}`;
  const secrets = { client: key(), population: key(), credential: key() };
  simulators = await start(process.env.SIMULATORS, ['all',
    '--listen-vneid', `localhost:${vneid}`, '--listen-population', `localhost:${population}`, '--listen-portal', `localhost:${portal}`,
    '--redirect-uri', `${origin}/_vneid/callback`, '--client-id', 'portal',
    `--client-secret=${secrets.client}`, `--population-token=${secrets.population}`, `--credential-token=${secrets.credential}`,
  ], { ready: /^portal .*$/m });
  const people = await (await fetch(`http://localhost:${portal}/personas.json`)).json();
  const account = people.find((one) => one.key === 'linked').portal_accounts[0];
  await writeFile(join(folder, 'accounts.csv'), 'id,username,name,birth_date,citizen_number,citizen_number_verified\n' +
    `${account.account_id},${account.username},${account.name},${account.birth_date},${account.citizen_number},true\n`);
  const environment = {
    LISTEN: `127.0.0.1:${port}`, ADMIN_LISTEN: `127.0.0.1:${admin}`, PUBLIC_URL: origin,
    UPSTREAM_URL: `http://localhost:${portal}`, PUBLIC_PATHS: '/assets/',
    ISSUER_URL: `http://localhost:${vneid}`, CLIENT_ID: 'portal', CLIENT_SECRET: secrets.client,
    SECRET_KEYS: key(), LEDGER_KEYS: key(), LEDGER_INDEX_KEY: key(), LEDGER_URL: `sqlite://${folder}/ledger.db`,
    DIRECTORY_URL: `embedded:${folder}/accounts.csv`, POPULATION_URL: `http://localhost:${population}/v1/match`,
    POPULATION_TOKEN: secrets.population, SESSION_IDLE: '8s', DRAIN_DELAY: '0s', DRAIN_TIMEOUT: '5s',
  };
  proxy = await start(process.env.BINARY, ['serve'], {
    ready: /"msg":"serving"/,
    env: Object.fromEntries(Object.entries(environment).map(([name, value]) => [`VNEID_PROXY_${name}`, value])),
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  const ended = [await proxy?.stop(), await simulators?.stop()];
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(ended, [0, 0], 'all stop cleanly');
});

test('an hour of typing', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/nop-ho-so`);
  await atVNeID(page, 'linked');
  await page.waitForURL(`${origin}/nop-ho-so`);
  const typed = 'Đề nghị cấp bản sao <trích lục>\nhai bản & một ảnh';
  await page.fill('#details', typed);
  while (await page.evaluate(async () => (await fetch('/_vneid/session')).status) !== 401) { // until it runs out
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await page.click('#submit-form [type=submit]');
  await seen(page, 'Đăng nhập', 'kept-sign-in');
  await atVNeID(page, 'linked');
  await page.waitForURL(/_vneid\/unsent/);
  await seen(page, 'Gửi lại biểu mẫu?', 'kept');
  await button(page, 'Gửi lại').click();
  await page.waitForURL((url) => !url.pathname.startsWith('/_vneid'));
  assert.ok((await page.locator('#content').innerText()).includes('hai bản & một ảnh'), 'the portal has it, as it was typed');
  await page.goto(`${origin}/_vneid/unsent`);
  assert.equal(page.url(), `${origin}/`, 'nothing waits any more');
});
