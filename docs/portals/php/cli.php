<?php
// Verifies what it reads, a token and a user a line, tab between: php cli.php jwks.json issuer audience now
require __DIR__ . '/assertion.php';
$keys = json_decode(file_get_contents($argv[1]), true)['keys'];
$assertion = new Assertion($keys, $argv[2], $argv[3]);
while (($line = fgets(STDIN)) !== false) {
    [$token, $user] = explode("\t", rtrim($line, "\n"));
    $claims = $assertion->verify($token, $user, (int) $argv[4]);
    echo $claims === null ? "refused\n" : "ok\t{$claims['sub']}\t{$claims['name']}\n";
}
