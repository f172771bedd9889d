// The guide's four steps and flow B, walked in a browser against the demo, as the five personas. Every screen is shot
// and checked by axe.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, person, shot, start } from './browser.mjs';
import { atPortal, atVNeID, button, freePorts, seen } from './steps.mjs';

let browser, demo, folder, origin, personas, populationKnobs;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vneid-proxy-e2e-'));
  const [port, admin, vneid, population, portal] = await freePorts(5);
  origin = `http://127.0.0.1:${port}`;
  demo = await start(process.env.BINARY, ['demo', '--port', port, '--admin-port', admin, '--vneid-port', vneid,
    '--population-port', population, '--portal-port', portal, '--data', folder].map(String), { ready: /^ready$/m });
  populationKnobs = `http://localhost:${population}/sim/knobs`;
  const reply = await fetch(`http://localhost:${vneid}/personas.json`);
  const people = await reply.json();
  personas = Object.fromEntries((people.personas ?? people).map((p) => [p.key, p]));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  assert.equal(await demo?.stop(), 0, 'the demo stops cleanly');
  await rm(folder, { recursive: true, force: true });
});

async function headers(page) {
  const reply = await page.context().request.get(`${origin}/headers`, { headers: { Accept: 'application/json' } });
  assert.equal(reply.status(), 200);
  return (await reply.json()).headers;
}

test('the guide, by update: portal sign-in with its captcha, link screen, then VNeID', async () => {
  const { cmnd } = personas;
  const page = await person(browser);
  await page.goto(`${origin}/ho-so?trang=1`);
  await seen(page, 'Đăng nhập', 'sign-in');
  await atPortal(page, cmnd.portal_accounts[0]);
  await shot(page, 'portal-sign-in');
  await page.click('#login-submit');

  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'link');
  assert.ok((await page.locator('main').innerText()).includes(cmnd.id_card_number), 'the CMND is shown');
  assert.ok(await page.locator('#consent').isChecked() === false, 'consent is not ticked beforehand');
  await page.fill('#citizen_number', '12345');
  await button(page, 'Cập nhật').click();
  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'link-malformed');
  await page.fill('#citizen_number', personas.none.citizen_number);
  await page.check('#consent');
  await button(page, 'Cập nhật').click();
  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'link-mismatch');
  await page.fill('#citizen_number', cmnd.citizen_number.replace(/(...)/g, '$1 '));
  await page.check('#consent');
  await button(page, 'Cập nhật').click();

  assert.equal(page.url(), `${origin}/ho-so?trang=1`, 'lands on the page first asked for');
  await shot(page, 'portal-dossiers');
  const received = await headers(page);
  assert.deepEqual(received['X-Forwarded-User'], [cmnd.portal_accounts[0].account_id]);
  assert.deepEqual(received['X-Identity-Citizen-Number'], [cmnd.citizen_number]);
  assert.deepEqual(received['X-Identity-Standing'], ['linked']);

  await page.goto(`${origin}/_vneid/identity`);
  await seen(page, 'Thông tin định danh', 'identity-linked');
  await page.goto(`${origin}/_vneid/sign-out`);
  await seen(page, 'Đăng xuất?', 'sign-out');
  await button(page, 'Đăng xuất').click();
  await seen(page, 'Đã đăng xuất', 'signed-out');

  await page.goto(`${origin}/ca-nhan`);
  await atVNeID(page, 'cmnd');
  await page.waitForURL(`${origin}/ca-nhan`);
  assert.deepEqual((await headers(page))['X-Forwarded-User'], [cmnd.portal_accounts[0].account_id]);
  await page.context().clearCookies();
  await page.goto(`${origin}/ca-nhan`);
  await atPortal(page, cmnd.portal_accounts[0]);
  await page.click('#login-submit');
  await seen(page, await page.locator('h1').innerText(), 'refused-already-linked');
  assert.ok(page.url().includes('/portal-return'), 'the old account alone opens nothing any more');
  await page.context().close();
});

test('the guide, by skip, then the identity page', async () => {
  const { mismatch } = personas;
  const page = await person(browser);
  await page.goto(`${origin}/nop-ho-so`);
  await atPortal(page, mismatch.portal_accounts[0]);
  await page.click('#login-submit');
  await button(page, 'Bỏ qua').click();
  assert.equal(page.url(), `${origin}/nop-ho-so`);
  assert.deepEqual((await headers(page))['X-Identity-Standing'], ['skipped']);
  await page.goto(`${origin}/_vneid/identity`);
  await seen(page, 'Thông tin định danh', 'identity-skipped');
  await button(page, 'Cập nhật từ CSDL Quốc gia về Dân cư').click();
  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'link-later');
  await page.fill('#citizen_number', mismatch.citizen_number);
  await page.check('#consent');
  await button(page, 'Cập nhật').click();
  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'link-later-mismatch');
  assert.deepEqual((await headers(page))['X-Identity-Standing'], ['skipped'], 'the session goes on');
  await page.context().close();
});

test('the population database is down: in all the same, and asked again when it says no', async () => {
  const { mismatch } = personas;
  const knob = (values) => fetch(populationKnobs, { method: 'POST', body: new URLSearchParams(values) });
  const page = await person(browser);
  await page.goto(`${origin}/ho-so`);
  await atPortal(page, mismatch.portal_accounts[0]);
  await page.click('#login-submit');
  await knob({ match_down: 'on' });
  await page.fill('#citizen_number', mismatch.citizen_number);
  await page.check('#consent');
  await button(page, 'Cập nhật').click();
  await seen(page, 'Đang chờ xác nhận', 'pending');
  await page.getByRole('link', { name: 'Tiếp tục' }).click();
  assert.equal(page.url(), `${origin}/ho-so`);
  assert.deepEqual((await headers(page))['X-Identity-Standing'], ['pending']);
  await page.goto(`${origin}/_vneid/identity`);
  await seen(page, 'Thông tin định danh', 'identity-pending');
  await knob({ reset: 'on' });
  for (const deadline = Date.now() + 60_000; ;) {
    await page.goto(`${origin}/ho-so`);
    if (page.url().includes('/_vneid/link')) break;
    assert.ok(Date.now() < deadline, 'the check is answered');
  }
  await seen(page, 'Cập nhật thông tin từ CSDL dân cư', 'link-answered');
  assert.match(await page.locator('.reference').innerText(), /[2-9A-Z]{4}-[2-9A-Z]{4}/);
  await page.context().close();
});

test('VNeID first: an account with a CCCD goes straight in', async () => {
  const page = await person(browser, { viewport: { width: 1280, height: 900 } });
  await page.goto(`${origin}/ho-so`);
  await seen(page, 'Đăng nhập', 'sign-in-desktop');
  await atVNeID(page, 'linked');
  await page.waitForURL(`${origin}/ho-so`);
  assert.deepEqual((await headers(page))['X-Forwarded-User'], [personas.linked.portal_accounts[0].account_id]);
  await page.context().close();
});

test('the part of the address behind # lasts through a sign-in, a change of language too', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/ho-so#muc-3`);
  await page.getByRole('link', { name: 'English' }).click();
  await page.waitForURL(/lang=en/);
  await atVNeID(page, 'linked');
  await page.waitForURL(/\/ho-so/);
  assert.equal(page.url(), `${origin}/ho-so#muc-3`);
  await page.context().close();
});

test('VNeID first: two accounts give a chooser, one becomes the default', async () => {
  const { two } = personas;
  const page = await person(browser);
  await page.goto(`${origin}/`);
  await atVNeID(page, 'two');
  await page.waitForURL(/_vneid\/link/);
  await seen(page, await page.locator('h1').innerText(), 'choose');
  await page.getByRole('radio').nth(1).check();
  await page.check('#consent');
  await page.locator('form[action$="/link/choose"] button').click();
  assert.equal(page.url(), `${origin}/`);
  const [user] = (await headers(page))['X-Forwarded-User'];
  assert.ok(two.portal_accounts.some((account) => account.account_id === user));
  await page.goto(`${origin}/_vneid/identity`);
  await seen(page, 'Thông tin định danh', 'identity-two');
  assert.equal(await page.locator('section[aria-labelledby=accounts] li').count(), 2);
  await page.context().close();
});

test('VNeID first: nobody by that number at the portal is refused kindly', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/ho-so`);
  await atVNeID(page, 'none');
  await page.waitForURL(/_vneid\/link/);
  await seen(page, await page.locator('h1').innerText(), 'prove');
  await page.fill('#username', 'nobody-here');
  await page.fill('#password', 'wrong');
  await page.check('#consent');
  await page.locator('form[action$="/link/proof"] button').click();
  await seen(page, await page.locator('h1').innerText(), 'prove-wrong');
  await page.locator('form[action$="/link/none"] button').click();
  await seen(page, await page.locator('h1').innerText(), 'refused-no-account');
  await page.context().close();
});

test('VNeID first: an old account of other data waits for staff, with a reference code', async () => {
  const { mismatch } = personas;
  const page = await person(browser, { locale: 'en-GB' });
  await page.goto(`${origin}/ho-so`);
  await seen(page, await page.locator('h1').innerText(), 'sign-in-english');
  await atVNeID(page, 'mismatch');
  await page.waitForURL(/_vneid\/link/);
  await page.fill('#username', mismatch.portal_accounts[0].username);
  await page.fill('#password', mismatch.portal_accounts[0].password);
  await page.check('#consent');
  await page.locator('form[action$="/link/proof"] button').click();
  await seen(page, await page.locator('h1').innerText(), 'refused-mismatch-english');
  assert.match(await page.locator('.reference').innerText(), /[2-9A-Z]{4}-[2-9A-Z]{4}/);
  await page.context().close();
});

test('a person who cancels at VNeID gets a calm page', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/ho-so`);
  await page.getByRole('link', { name: /VNeID/ }).first().click();
  await page.click('#cancel');
  await page.waitForURL(/callback/);
  await seen(page, await page.locator('h1').innerText(), 'refused-cancelled');
  await page.context().close();
});

test('every refusal has a screen', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/_vneid/callback?state=foreign&code=x`);
  await seen(page, await page.locator('h1').innerText(), 'refused-expired');
  await page.goto(`${origin}/_vneid/no-such-page`);
  await seen(page, await page.locator('h1').innerText(), 'refused-not-found');
  await page.context().close();
});
