<?php
declare(strict_types=1);

/**
 * Verifies X-Identity-Assertion: a JWT (RFC 7519) signed with EdDSA or ES256.
 * Needs PHP 8 with the sodium and openssl extensions, and nothing else.
 */
final class Assertion
{
    /** @param array $keys the "keys" of jwks.json, decoded */
    public function __construct(private array $keys, private string $issuer, private string $audience)
    {
    }

    /**
     * The claims, or null where the assertion is anything but one of ours, for
     * this portal, in its time, and for the account in X-Forwarded-User.
     */
    public function verify(string $token, string $user, int $now): ?array
    {
        $parts = explode('.', $token);
        if (count($parts) !== 3 || strlen($token) > 16384) {
            return null;
        }
        $header = self::json($parts[0]);
        $signature = self::bytes($parts[2]);
        $key = is_string($header['kid'] ?? null) ? $this->key($header['kid']) : null;
        // The key says the algorithm; a token never chooses.
        if ($key === null || $signature === null || ($header['alg'] ?? null) !== $key['alg']) {
            return null;
        }
        if (!self::signed($key, "$parts[0].$parts[1]", $signature)) {
            return null;
        }
        $claims = self::json($parts[1]);
        $good = $claims !== null
            && ($claims['iss'] ?? null) === $this->issuer
            && ($claims['aud'] ?? null) === $this->audience
            && is_int($claims['exp'] ?? null) && $claims['exp'] > $now
            && is_int($claims['iat'] ?? null) && $claims['iat'] <= $now + 60
            && $user !== '' && ($claims['sub'] ?? null) === $user;
        return $good ? $claims : null;
    }

    private function key(string $kid): ?array
    {
        foreach ($this->keys as $key) {
            if (($key['kid'] ?? null) === $kid && ($key['use'] ?? 'sig') === 'sig') {
                return $key;
            }
        }
        return null;
    }

    private static function signed(array $key, string $text, string $signature): bool
    {
        if (strlen($signature) !== 64) {
            return false;
        }
        $x = self::bytes($key['x'] ?? '');
        if ($key['alg'] === 'EdDSA' && $key['kty'] === 'OKP' && $key['crv'] === 'Ed25519' && strlen((string) $x) === 32) {
            return sodium_crypto_sign_verify_detached($signature, $text, $x);
        }
        $y = self::bytes($key['y'] ?? '');
        if ($key['alg'] === 'ES256' && $key['kty'] === 'EC' && $key['crv'] === 'P-256' && strlen("$x$y") === 64) {
            // OpenSSL wants the key and the two numbers of the signature in DER.
            $der = hex2bin('3059301306072a8648ce3d020106082a8648ce3d03010703420004') . $x . $y;
            $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($der), 64, "\n") . "-----END PUBLIC KEY-----\n";
            $numbers = self::integer(substr($signature, 0, 32)) . self::integer(substr($signature, 32));
            return openssl_verify($text, "\x30" . chr(strlen($numbers)) . $numbers, $pem, OPENSSL_ALGO_SHA256) === 1;
        }
        return false;
    }

    private static function integer(string $number): string
    {
        $number = ltrim($number, "\0");
        if ($number === '' || ord($number[0]) >= 0x80) {
            $number = "\0$number";
        }
        return "\x02" . chr(strlen($number)) . $number;
    }

    private static function json(string $part): ?array
    {
        $value = json_decode(self::bytes($part) ?? '', true, 8);
        return is_array($value) ? $value : null;
    }

    /** base64url without padding, in its one spelling */
    private static function bytes(string $text): ?string
    {
        $bytes = base64_decode(strtr($text, '-_', '+/'), true);
        $again = rtrim(strtr(base64_encode((string) $bytes), '+/', '-_'), '=');
        return $bytes !== false && $bytes !== '' && $again === $text ? $bytes : null;
    }
}
