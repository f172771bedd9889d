// The browser that the journeys drive: Chromium as a Vietnamese citizen's phone would show it, screenshots, axe,
// and the program under test as a process of its own.

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const shots = process.env.SHOTS || '.cache/screenshots';

// launch starts Chromium (CHROMIUM, or Debian's), which calls nobody but the pages it is sent to. Further arguments
// and another environment are for whoever needs them.
export function launch({ args = [], env = process.env } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    headless: true,
    env,
    args: [
      '--no-sandbox', // it runs as root in containers, and opens none but our own pages
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}

// person gives a page with a cookie jar of its own: one citizen at one browser. Options are Playwright's for a
// context; by default it is a phone in Việt Nam. page.context().close() ends it.
export async function person(browser, options = {}) {
  const context = await browser.newContext({
    locale: 'vi-VN',
    timezoneId: 'Asia/Ho_Chi_Minh',
    viewport: { width: 390, height: 844 },
    ...options,
  });
  return context.newPage();
}

// shot writes the whole page to NAME.png in the folder SHOTS (default .cache/screenshots).
export async function shot(page, name) {
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true, animations: 'disabled' });
}

// axe fails, naming each rule and the elements that break it, unless the page is free of accessibility faults.
export async function axe(page) {
  const { violations, passes } = await new AxeBuilder({ page }).analyze();
  if (passes.length === 0) throw new Error(`axe found nothing to check at ${page.url()}`);
  if (violations.length === 0) return;
  const faults = violations.map(
    ({ id, help, nodes }) => `  ${id}: ${help}\n${nodes.map((node) => `    ${node.html}`).join('\n')}`,
  );
  throw new Error(`axe at ${page.url()}:\n${faults.join('\n')}`);
}

// start runs a program and waits until what it prints, on either stream, matches ready. It gives the match, what has
// been printed so far, and stop: SIGTERM, then the exit code (null where a signal ended it). A program that ends
// before it is ready, or is not ready after the timeout in milliseconds, is an error that shows what it printed.
export async function start(command, args, { ready, env = process.env, cwd, timeout = 60_000 }) {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const orphan = () => child.kill('SIGKILL'); // a test that breaks off must not leave it running
  process.once('exit', orphan);
  ended.then(() => process.off('exit', orphan));
  let printed = '';
  const match = await new Promise((resolve, reject) => {
    const fail = (why) => {
      child.kill('SIGKILL');
      reject(new Error(`${command} ${why}\n${printed}`));
    };
    const timer = setTimeout(() => fail(`was not ready after ${timeout} ms`), timeout);
    const hear = (text) => {
      printed += text;
      const found = printed.match(ready);
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    child.once('error', (error) => fail(error.message));
    ended.then((code) => {
      clearTimeout(timer);
      fail(`ended with ${code} before it was ready`);
    });
  });
  return {
    match,
    output: () => printed,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
