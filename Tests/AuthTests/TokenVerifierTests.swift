import Foundation
import Testing

@testable import Auth

private let now: Int64 = 1_800_000_000

/// Keys made for the tests, of each kind.
private struct Mints {
    let secret: TokenKeys
    let elliptic: TokenKeys
    let rsa: TokenKeys

    init() async throws {
        secret = try TokenKeys(secret: Array("0123456789abcdef0123456789abcdef".utf8))
        elliptic = try await TokenKeys(pem: SampleKeys.ellipticPrivate)
        rsa = try await TokenKeys(pem: SampleKeys.rsaPrivate)
    }

    var all: [TokenKeys] { [secret, elliptic, rsa] }
}

extension TokenVerifier {
    fileprivate func verify(_ token: String, at seconds: Int64 = now) throws(TokenFailure) -> Principal {
        let bytes = Array(token.utf8)
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(TokenFailure) in try verify(bytes, at: seconds * 1_000) }
        }
        return try result.get()
    }
}

/// A token that every rule accepts, but for what is changed in it.
private func claims(_ changes: [String: (any Encodable)?] = [:]) -> [String: any Encodable] {
    var claims: [String: any Encodable] = [
        "sub": "ada", "tenant_id": "hall", "role": "customer", "iat": now, "exp": now + 600, "iss": "shop",
        "aud": "holdfast",
    ]
    for (name, value) in changes { claims[name] = value }
    return claims
}

private let rules = TokenRules(issuer: "shop", audience: "holdfast", leewaySeconds: 60)

@Suite struct TokenVerifierTests {
    @Test func acceptsEachAlgorithmWithItsKey() async throws {
        for keys in try await Mints().all {
            let token = try TokenMint(keys: keys).token(
                tenant: "hall",
                subject: "ada",
                role: .agent,
                rules: rules,
                now: now,
                seconds: 600
            )
            let principal = try TokenVerifier(keys: keys, rules: rules).verify(token)
            let expected = Principal(
                tenant: "hall",
                subject: "ada",
                role: .agent,
                acceptedUntil: (now + 600 + 60) * 1_000,
                key: keys.keys[0].identity
            )
            #expect(principal == expected)
        }
    }

    @Test func verifiesWithPublicKeysAlone() async throws {
        for (made, known) in [
            (SampleKeys.ellipticPrivate, SampleKeys.ellipticPublic), (SampleKeys.rsaPrivate, SampleKeys.rsaPublic),
        ] {
            let token = try await TokenMint(keys: TokenKeys(pem: made)).sign(["alg": algorithm(made)], claims())
            let verifier = try await TokenVerifier(keys: TokenKeys(pem: known), rules: rules)
            #expect(try verifier.verify(token).subject == "ada")
            await #expect(throws: TokenKeyError.self) {
                _ = try await TokenMint(keys: TokenKeys(pem: known)).sign(["alg": "ES256"], claims())
            }
        }
    }

    private func algorithm(_ pem: String) -> String { pem == SampleKeys.rsaPrivate ? "RS256" : "ES256" }

    @Test func refusesTheSignatureOfAnotherKey() async throws {
        let mints = try await Mints()
        let other = try TokenKeys(secret: Array("another secret of thirty-two byte".utf8))
        let token = try TokenMint(keys: other).sign(["alg": "HS256"], claims())
        #expect(throws: TokenFailure.signature) {
            try TokenVerifier(keys: mints.secret, rules: rules).verify(token)
        }
    }

    @Test func refusesEveryChangedByte() async throws {
        for keys in try await Mints().all {
            let mint = try TokenMint(keys: keys)
            let verifier = TokenVerifier(keys: keys, rules: rules)
            let token = Array(try mint.sign(["alg": keys.keys[0].algorithm.name], claims()).utf8)
            for index in stride(from: 0, to: token.count, by: 3) {
                var changed = token
                changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                #expect(throws: TokenFailure.self, "byte \(index)") {
                    try verifier.verify(String(decoding: changed, as: UTF8.self))
                }
            }
        }
    }

    @Test(arguments: ["none", "None", "NONE", "", "HS384", "RS512", "hs256"])
    func refusesOtherAlgorithms(_ name: String) async throws {
        let keys = try await Mints().secret
        let verifier = TokenVerifier(keys: keys, rules: rules)
        let token = try TokenMint(keys: keys).sign(["alg": name], claims())
        #expect(throws: TokenFailure.algorithm) { try verifier.verify(token) }
        let unsigned = token[...token.lastIndex(of: ".")!]
        #expect(throws: TokenFailure.algorithm) { try verifier.verify(String(unsigned)) }
    }

    /// The classic: the public key, which everybody has, used as the shared secret.
    @Test func refusesAPublicKeyAsASecret() async throws {
        for pem in [SampleKeys.ellipticPublic, SampleKeys.rsaPublic] {
            let forger = try TokenMint(keys: TokenKeys(secret: Array(pem.utf8)))
            let verifier = try await TokenVerifier(keys: TokenKeys(pem: pem), rules: rules)
            let forged = try forger.sign(["alg": "HS256"], claims())
            #expect(throws: TokenFailure.algorithm) { try verifier.verify(forged) }
            for name in ["RS256", "ES256"] {
                let renamed = try forger.sign(["alg": name], claims())
                #expect(throws: TokenFailure.self) { try verifier.verify(renamed) }
            }
        }
    }

    @Test func readsTheClock() async throws {
        let keys = try await Mints().secret
        let mint = try TokenMint(keys: keys)
        let verifier = TokenVerifier(keys: keys, rules: rules)
        let token = try mint.sign(["alg": "HS256"], claims())
        #expect(try verifier.verify(token, at: now + 659).subject == "ada")
        #expect(throws: TokenFailure.expired) { try verifier.verify(token, at: now + 660) }
        #expect(try verifier.verify(token, at: now - 60).subject == "ada")
        #expect(throws: TokenFailure.notYetValid) { try verifier.verify(token, at: now - 61) }
        let later = try mint.sign(["alg": "HS256"], claims(["nbf": now + 100]))
        #expect(throws: TokenFailure.notYetValid) { try verifier.verify(later) }
        #expect(try verifier.verify(later, at: now + 40).subject == "ada")
    }

    static let wrongClaims: [(String, (any Encodable & Sendable)?, TokenFailure)] = [
        ("exp", nil, .claim("exp")), ("exp", "soon", .malformed), ("exp", 1e300, .claim("exp")),
        ("exp", -1, .claim("exp")), ("iat", 1e300, .notYetValid),
        ("iss", nil, .issuer), ("iss", "Shop", .issuer),
        ("aud", nil, .audience), ("aud", ["a", "b"], .audience), ("aud", "holdfast2", .audience),
        ("sub", nil, .claim("sub")), ("sub", "", .claim("sub")), ("sub", "a b", .claim("sub")),
        ("sub", "é", .claim("sub")), ("sub", 17, .claim("sub")),
        ("sub", String(repeating: "a", count: 65), .claim("sub")),
        ("tenant_id", nil, .claim("tenant_id")), ("tenant_id", "", .claim("tenant_id")),
        ("role", nil, .claim("role")), ("role", "root", .claim("role")), ("role", ["admin"], .claim("role")),
        ("role", "Admin", .claim("role")),
    ]

    @Test(arguments: 0..<wrongClaims.count)
    func refusesWrongClaims(_ index: Int) async throws {
        let (name, value, failure) = Self.wrongClaims[index]
        let keys = try await Mints().secret
        var changed = claims()
        changed[name] = value
        let token = try TokenMint(keys: keys).sign(["alg": "HS256"], changed)
        #expect(throws: failure) { try TokenVerifier(keys: keys, rules: rules).verify(token) }
    }

    @Test func acceptsOneOfSeveralAudiencesAndAFractionOfASecond() async throws {
        let keys = try await Mints().secret
        let changed = claims(["aud": ["other", "holdfast"], "exp": Double(now) + 1.5])
        let token = try TokenMint(keys: keys).sign(["alg": "HS256", "typ": "at+JWT"], changed)
        let principal = try TokenVerifier(keys: keys, rules: rules).verify(token)
        #expect(principal.acceptedUntil == now * 1_000 + 61_500)
    }

    @Test func refusesWhatItsHeaderAsksFor() async throws {
        let keys = try await Mints().secret
        let mint = try TokenMint(keys: keys)
        let verifier = TokenVerifier(keys: keys, rules: rules)
        let critical = try mint.sign(["alg": "HS256", "crit": ["b64"]], claims())
        #expect(throws: TokenFailure.header) { try verifier.verify(critical) }
        let encrypted = try mint.sign(["alg": "HS256", "typ": "JWE"], claims())
        #expect(throws: TokenFailure.header) { try verifier.verify(encrypted) }
    }

    @Test(arguments: [
        "", ".", "..", "a.b", "a.b.c", "a.b.c.d", "e30.e30.e30", "eyJhbGciOiJIUzI1NiJ9..", "😀.😀.😀",
        "eyJhbGciOiJIUzI1NiJ9.e30=.AAAA", String(repeating: "a", count: 9_000),
    ])
    func refusesWhatIsNoToken(_ text: String) async throws {
        let verifier = TokenVerifier(keys: try await Mints().secret, rules: rules)
        #expect(throws: TokenFailure.self) { try verifier.verify(text) }
    }

    /// Who watches the server belongs to no tenant, whatever the token says of one.
    @Test func onlyAMonitorNeedsNoTenant() async throws {
        let keys = try await Mints().secret
        let mint = try TokenMint(keys: keys)
        let verifier = TokenVerifier(keys: keys, rules: rules)
        for tenant in [nil, "hall", "a b"] {
            let token = try mint.sign(["alg": "HS256"], claims(["tenant_id": tenant, "role": "monitor"]))
            let principal = try verifier.verify(token)
            #expect(principal.role == .monitor && principal.tenant.isEmpty)
        }
        for role in Role.allCases where role != .monitor {
            let token = try mint.sign(["alg": "HS256"], claims(["tenant_id": nil, "role": role.rawValue]))
            #expect(throws: TokenFailure.claim("tenant_id")) { try verifier.verify(token) }
        }
        let made = try mint.token(tenant: "hall", subject: "p", role: .monitor, rules: rules, now: now, seconds: 60)
        let payload = try #require(Base64URL.decode(Array(made.utf8).split(separator: UInt8(ascii: "."))[1]))
        #expect(!String(decoding: payload, as: UTF8.self).contains("tenant"))
    }

    /// A second spelling of the same token would be a second entry of every cache, and a way around a list of revoked ones.
    @Test func refusesOtherSpellingsOfASignature() async throws {
        let keys = try await Mints().secret
        let token = try TokenMint(keys: keys).sign(["alg": "HS256"], claims())
        let verifier = TokenVerifier(keys: keys, rules: rules)
        #expect(try verifier.verify(token).subject == "ada")
        var accepted = 0
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
            if (try? verifier.verify(String(token.dropLast()) + String(last))) != nil { accepted += 1 }
        }
        #expect(accepted == 1)
    }
}
