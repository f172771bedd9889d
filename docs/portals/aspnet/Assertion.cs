using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

/// <summary>
/// Verifies X-Identity-Assertion: a JWT (RFC 7519) signed with ES256. .NET has no Ed25519 of its own: set
/// ASSERTION_KEY_FILES to a P-256 key. Needs .NET 6 and nothing else.
/// </summary>
public sealed class Assertion
{
    private readonly Dictionary<string, ECDsa> keys = new(StringComparer.Ordinal);
    private readonly string issuer, audience;

    public Assertion(string jwks, string issuer, string audience)
    {
        (this.issuer, this.audience) = (issuer, audience);
        using var document = JsonDocument.Parse(jwks);
        foreach (var key in document.RootElement.GetProperty("keys").EnumerateArray())
        {
            if (key.GetProperty("alg").GetString() != "ES256") continue;
            keys[key.GetProperty("kid").GetString()!] = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = Bytes(key.GetProperty("x").GetString()!), Y = Bytes(key.GetProperty("y").GetString()!) },
            });
        }
    }

    /// <summary>The claims, or null where the assertion is anything but one of ours, for this portal, now, for this account.</summary>
    public JsonElement? Verify(string token, string user, DateTimeOffset now)
    {
        try
        {
            var parts = token.Split('.');
            if (parts.Length != 3 || token.Length > 16384) return null;
            using var header = JsonDocument.Parse(Bytes(parts[0]));
            // The key says the algorithm; a token never chooses.
            if (header.RootElement.GetProperty("alg").GetString() != "ES256") return null;
            if (!keys.TryGetValue(header.RootElement.GetProperty("kid").GetString() ?? "", out var key)) return null;
            if (!key.VerifyData(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), Bytes(parts[2]), HashAlgorithmName.SHA256)) return null;
            using var document = JsonDocument.Parse(Bytes(parts[1]));
            var claims = document.RootElement.Clone();
            var good = claims.GetProperty("iss").GetString() == issuer
                && claims.GetProperty("aud").GetString() == audience
                && claims.GetProperty("exp").GetInt64() > now.ToUnixTimeSeconds()
                && claims.GetProperty("iat").GetInt64() <= now.ToUnixTimeSeconds() + 60
                && user != "" && claims.GetProperty("sub").GetString() == user;
            return good ? claims : null;
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException or CryptographicException)
        {
            return null;
        }
    }

    private static byte[] Bytes(string text)
    {
        var bytes = Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4));
        var again = Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        return again == text ? bytes : throw new FormatException();
    }
}
