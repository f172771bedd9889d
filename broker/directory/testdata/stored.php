<?php
// What PHP stores for the password on standard input, by format, as JSON.
$password = stream_get_contents(STDIN);

// phpass, written anew after its description.
function phpass(string $password, string $kind, int $log): string
{
    $digits = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    $salt = '';
    for ($i = 0; $i < 8; $i++) {
        $salt .= $digits[random_int(0, 63)];
    }
    $sum = md5($salt . $password, true);
    for ($round = 1 << $log; $round > 0; $round--) {
        $sum = md5($sum . $password, true);
    }
    $bits = '';
    foreach (str_split($sum) as $byte) { // the lowest bits come first
        $bits .= strrev(sprintf('%08b', ord($byte)));
    }
    $text = '';
    foreach (str_split($bits, 6) as $six) {
        $text .= $digits[bindec(strrev($six))];
    }
    return $kind . $digits[$log] . $salt . $text;
}

$salt = substr(bin2hex(random_bytes(2)), 0, 4);
echo json_encode([
    'bcrypt' => password_hash($password, PASSWORD_BCRYPT, ['cost' => 5]),
    'bcrypt in braces' => '{BCRYPT}' . password_hash($password, PASSWORD_BCRYPT, ['cost' => 4]),
    'phpass' => phpass($password, '$P$', 8),
    'phpass of a forum' => phpass($password, '$H$', 11),
    'nukeviet sha512' => '{SSHA512}' . base64_encode(hash('sha512', $password . $salt, true) . $salt),
    'nukeviet sha1' => '{SSHA}' . base64_encode(pack('H*', sha1($password . $salt)) . $salt),
]);
