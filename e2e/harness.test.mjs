// The harness itself: were it to pass whatever it is shown, the journeys would prove nothing.

import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { axe, launch, person, shot, start } from './browser.mjs';

const good = `<!doctype html><html lang="vi"><head><title>Đăng nhập</title></head>
<body><main><h1>Đăng nhập bằng tài khoản định danh điện tử</h1>
<form><label for="number">Số CCCD</label> <input id="number" name="number"></form></main></body></html>`;

const bad = `<!doctype html><html><head><title>Đăng nhập</title></head>
<body><main><h1>Đăng nhập</h1><form><input name="number"></form></main></body></html>`;

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader('Content-Security-Policy', "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
  response.end(request.url === '/good' ? good : bad);
});
let browser;
let origin;

before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server.close();
});

test('a good page passes axe, behind a strict policy too, and is shot', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/good`);
  assert.equal(await page.evaluate(() => navigator.language), 'vi-VN');
  await axe(page);
  await shot(page, 'harness-good');
  const path = `${process.env.SHOTS || '.cache/screenshots'}/harness-good.png`;
  const png = await readFile(path);
  assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from('PNG')]);
  await rm(path); // it is no screen of ours
  await page.context().close();
});

test('a bad page fails axe, rule by rule', async () => {
  const page = await person(browser);
  await page.goto(`${origin}/bad`);
  await assert.rejects(axe(page), (error) => {
    assert.match(error.message, /html-has-lang/);
    assert.match(error.message, /label/);
    return true;
  });
  await page.context().close();
});

test('two people share no cookies', async () => {
  const [one, other] = [await person(browser), await person(browser)];
  await one.context().addCookies([{ name: 'session', value: 'mine', url: origin }]);
  assert.equal((await one.context().cookies()).length, 1);
  assert.equal((await other.context().cookies()).length, 0);
  await Promise.all([one.context().close(), other.context().close()]);
});

test('a program is started, heard and stopped', async () => {
  const script = `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('open http://127.0.0.1:1')`;
  const program = await start(process.execPath, ['-e', script], { ready: /open (\S+)/ });
  assert.equal(program.match[1], 'http://127.0.0.1:1');
  assert.equal(await program.stop(), 7);
});

test('a program that ends before it is ready is an error with its words', async () => {
  const script = `console.error('no such port'); process.exit(2)`;
  await assert.rejects(start(process.execPath, ['-e', script], { ready: /open/ }), /ended with 2[^]*no such port/);
});
