import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Verifies X-Identity-Assertion: a JWT (RFC 7519) signed with EdDSA or ES256. Needs Java 17 and nothing else. Where the
 * portal has a JSON library already, let it take the place of the class Json below.
 */
public final class Assertion {
    private static final String ED25519 = "302a300506032b6570032100";
    private static final String P256 = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";

    private record Key(String algorithm, PublicKey key) {}

    private final Map<String, Key> keys = new HashMap<>();
    private final String issuer;
    private final String audience;

    /** jwks is the text of jwks.json. */
    public Assertion(String jwks, String issuer, String audience) throws GeneralSecurityException {
        this.issuer = issuer;
        this.audience = audience;
        for (Object entry : (List<?>) Json.object(jwks).get("keys")) {
            Map<?, ?> key = (Map<?, ?>) entry;
            String kid = (String) key.get("kid");
            String x = HexFormat.of().formatHex(bytes((String) key.get("x")));
            if ("EdDSA".equals(key.get("alg")) && "Ed25519".equals(key.get("crv"))) {
                keys.put(kid, new Key("EdDSA", publicKey("Ed25519", ED25519 + x)));
            } else if ("ES256".equals(key.get("alg")) && "P-256".equals(key.get("crv"))) {
                String y = HexFormat.of().formatHex(bytes((String) key.get("y")));
                keys.put(kid, new Key("ES256", publicKey("EC", P256 + x + y)));
            }
        }
    }

    private static PublicKey publicKey(String kind, String hex) throws GeneralSecurityException {
        return KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(HexFormat.of().parseHex(hex)));
    }

    /**
     * The claims. user is what X-Forwarded-User says, now is in Unix seconds. IllegalArgumentException where the
     * assertion is anything but one of ours, for this portal, in its time, and for this account.
     */
    public Map<String, Object> verify(String token, String user, long now) {
        String[] parts = token.split("\\.", -1);
        require(parts.length == 3 && token.length() <= 16384);
        Map<String, Object> header = Json.object(text(parts[0]));
        Key key = header.get("kid") instanceof String kid ? keys.get(kid) : null;
        // The key says the algorithm; a token never chooses.
        require(key != null && key.algorithm().equals(header.get("alg")));
        byte[] signature = bytes(parts[2]);
        require(signature.length == 64);
        try {
            Signature check = Signature.getInstance(key.algorithm().equals("EdDSA") ? "Ed25519" : "SHA256withECDSAinP1363Format");
            check.initVerify(key.key());
            check.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            require(check.verify(signature));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException(e);
        }
        Map<String, Object> claims = Json.object(text(parts[1]));
        require(issuer.equals(claims.get("iss")) && audience.equals(claims.get("aud")));
        require(claims.get("exp") instanceof BigDecimal expires && expires.compareTo(BigDecimal.valueOf(now)) > 0);
        require(claims.get("iat") instanceof BigDecimal issued && issued.compareTo(BigDecimal.valueOf(now + 60)) <= 0);
        require(!user.isEmpty() && user.equals(claims.get("sub")));
        return claims;
    }

    private static void require(boolean condition) {
        if (!condition) {
            throw new IllegalArgumentException("refused");
        }
    }

    /** base64url without padding, in its one spelling. */
    private static byte[] bytes(String text) {
        byte[] bytes = Base64.getUrlDecoder().decode(text);
        require(bytes.length > 0 && Base64.getUrlEncoder().withoutPadding().encodeToString(bytes).equals(text));
        return bytes;
    }

    private static String text(String part) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(part))).toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** Reads JSON (RFC 8259) strictly: a name twice, or anything after the end, is refused. */
    private static final class Json {
        private final String in;
        private int at;

        private Json(String in) {
            this.in = in;
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> object(String text) {
            Json json = new Json(text);
            Object value = json.value(0);
            json.blanks();
            require(json.at == text.length() && value instanceof Map);
            return (Map<String, Object>) value;
        }

        private Object value(int depth) {
            require(depth < 8);
            blanks();
            switch (peek()) {
                case '{': {
                    Map<String, Object> members = new HashMap<>();
                    for (boolean more = open('}'); more; more = next('}')) {
                        blanks();
                        String name = string();
                        blanks();
                        take(':');
                        require(!members.containsKey(name));
                        members.put(name, value(depth + 1));
                    }
                    return members;
                }
                case '[': {
                    List<Object> items = new ArrayList<>();
                    for (boolean more = open(']'); more; more = next(']')) {
                        items.add(value(depth + 1));
                    }
                    return items;
                }
                case '"':
                    return string();
                default:
                    return bare();
            }
        }

        private Object bare() {
            int from = at;
            while (at < in.length() && ",]} \t\r\n".indexOf(in.charAt(at)) < 0) {
                at++;
            }
            String word = in.substring(from, at);
            if (word.equals("true") || word.equals("false")) {
                return Boolean.valueOf(word);
            }
            if (word.equals("null")) {
                return null;
            }
            require(word.matches("-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,9})?"));
            return new BigDecimal(word);
        }

        private String string() {
            take('"');
            StringBuilder out = new StringBuilder();
            for (char c = any(); c != '"'; c = any()) {
                require(c >= ' ');
                if (c != '\\') {
                    out.append(c);
                    continue;
                }
                char escaped = any();
                int plain = "\"\\/bfnrt".indexOf(escaped);
                if (plain >= 0) {
                    out.append("\"\\/\b\f\n\r\t".charAt(plain));
                } else {
                    require(escaped == 'u' && at + 4 <= in.length() && in.substring(at, at + 4).matches("[0-9a-fA-F]{4}"));
                    out.append((char) Integer.parseInt(in.substring(at, at + 4), 16));
                    at += 4;
                }
            }
            return out.toString();
        }

        private boolean open(char end) {
            at++;
            blanks();
            if (peek() != end) {
                return true;
            }
            at++;
            return false;
        }

        private boolean next(char end) {
            blanks();
            char c = any();
            require(c == ',' || c == end);
            return c == ',';
        }

        private void take(char c) {
            require(any() == c);
        }

        private char any() {
            char c = peek();
            at++;
            return c;
        }

        private char peek() {
            require(at < in.length());
            return in.charAt(at);
        }

        private void blanks() {
            while (at < in.length() && " \t\r\n".indexOf(in.charAt(at)) >= 0) {
                at++;
            }
        }
    }

    /** Verifies what it reads, a token and a user a line, tab between: java Assertion.java jwks.json issuer audience now */
    public static void main(String[] args) throws Exception {
        Assertion assertion = new Assertion(Files.readString(Path.of(args[0])), args[1], args[2]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", -1);
            try {
                Map<String, Object> claims = assertion.verify(parts[0], parts[1], Long.parseLong(args[3]));
                out.print("ok\t" + claims.get("sub") + "\t" + claims.get("name") + "\n");
            } catch (IllegalArgumentException e) {
                out.print("refused\n");
            }
        }
    }
}
