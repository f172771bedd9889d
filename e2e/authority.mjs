// An authority of one run: it signs a certificate, and browsers believe it where its own lies in their database. openssl
// and certutil do the work.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

// authority makes one in a folder, and a certificate for the hosts. It gives the files' names: authority, certificate
// and key. All of them are good for a day.
export async function authority(folder, hosts) {
  const at = (name) => join(folder, name);
  // A configuration of our own: machines differ in what theirs adds.
  await writeFile(at('openssl.cnf'), [
    '[req]', 'distinguished_name = name', 'prompt = no', 'default_bits = 2048', 'default_md = sha256', '[name]', 'CN = unused',
    '[authority]', 'basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign', 'subjectKeyIdentifier = hash',
    '[server]', 'basicConstraints = critical,CA:FALSE', 'keyUsage = critical,digitalSignature', 'extendedKeyUsage = serverAuth',
    `subjectAltName = ${hosts.map((host) => `DNS:${host}`).join(',')}`, '',
  ].join('\n'));
  const request = (name, section, subject, ...signer) => run('openssl', ['req', '-x509', '-config', at('openssl.cnf'),
    '-extensions', section, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', subject,
    '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), ...signer]);
  await request('authority', 'authority', '/CN=authority of a test');
  await request('server', 'server', `/CN=${hosts[0]}`, '-CA', at('authority.pem'), '-CAkey', at('authority.key'));
  return { authority: at('authority.pem'), certificate: at('server.pem'), key: at('server.key') };
}

// rsa makes a key pair for envelopes: the names of the private and the public file.
export async function rsa(folder) {
  const [key, pub] = [join(folder, 'rsa.pem'), join(folder, 'rsa.pub')];
  await run('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', key]);
  await run('openssl', ['pkey', '-in', key, '-pubout', '-out', pub]);
  return { key, pub };
}

// home makes a home folder whose browser believes what every other does, and these authorities.
export async function home(folder, ...authorities) {
  const database = join(folder, '.pki', 'nssdb');
  await mkdir(database, { recursive: true });
  await run('certutil', ['-d', `sql:${database}`, '-N', '--empty-password']);
  for (const [n, file] of authorities.entries()) {
    await run('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', `authority ${n}`, '-i', file]);
  }
  return folder;
}
