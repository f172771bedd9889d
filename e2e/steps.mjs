// The steps that every journey has: signing in at the portal and at VNeID, and looking at a screen of ours.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { axe, shot } from './browser.mjs';

// freePorts holds all of them at once, so that none is given twice.
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
    })),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

// seen shoots and checks a screen of ours, by its heading.
export async function seen(page, heading, name) {
  assert.equal((await page.locator('h1').innerText()).trim(), heading);
  await axe(page);
  await shot(page, name);
}

export const button = (page, name) => page.getByRole('button', { name, exact: true });

// atPortal fills in the portal's own login page, captcha included; sending it is the journey's.
export async function atPortal(page, account) {
  await page.getByRole('link', { name: /Tài khoản của Cổng|tài khoản của cổng/i }).first().click();
  await page.waitForURL(/dang-nhap/);
  const [, a, b] = (await page.locator('#captcha-question').innerText()).match(/(\d+) \+ (\d+)/);
  await page.fill('[name=username]', account.username);
  await page.fill('[name=password]', account.password);
  await page.fill('[name=captcha]', String(Number(a) + Number(b)));
}

// atVNeID signs in there as one of the personas.
export async function atVNeID(page, key) {
  await page.getByRole('link', { name: /VNeID/ }).first().click();
  await page.waitForURL(/\/login/);
  await page.click(`button[data-persona=${key}]`);
}
