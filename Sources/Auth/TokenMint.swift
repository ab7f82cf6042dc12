import Foundation

/// Makes tokens, for development and tests; in production somebody else does, who knows who logs in.
public struct TokenMint: Sendable {
    private let key: TokenKeys.Key

    /// - Throws: where the keys are a JWK set, which has public keys only.
    public init(keys: TokenKeys) throws(TokenKeyError) {
        guard keys.keys.count == 1, keys.keys[0].id == nil else {
            throw .unreadable("tokens are made with a secret or a private key in PEM, not with a JSON Web Key Set")
        }
        key = keys.keys[0]
    }

    /// - Parameters:
    ///   - tenant: means nothing for the role `monitor`.
    ///   - now: seconds since 1970.
    ///   - seconds: how long the token is valid.
    /// - Throws: when the key is a public one.
    public func token(
        tenant: String,
        subject: String,
        role: Role,
        rules: TokenRules = TokenRules(),
        now: Int64,
        seconds: Int64
    ) throws(TokenKeyError) -> String {
        guard TokenVerifier.isName(tenant) else { throw .unreadable("a tenant is 1 to 64 visible ASCII characters") }
        guard TokenVerifier.isName(subject) else { throw .unreadable("a subject is 1 to 64 visible ASCII characters") }
        var claims: [String: any Encodable] = [
            "sub": subject, "role": role.rawValue, "iat": now, "exp": now + seconds,
        ]
        if role != .monitor { claims["tenant_id"] = tenant }
        claims["iss"] = rules.issuer
        claims["aud"] = rules.audience
        return try sign(["alg": key.algorithm.name, "typ": "JWT"], claims)
    }

    /// Signs any header and claims.
    func sign(
        _ header: [String: any Encodable],
        _ claims: [String: any Encodable]
    ) throws(TokenKeyError) -> String {
        do {
            let signed = try "\(Base64URL.encode(Self.json(header))).\(Base64URL.encode(Self.json(claims)))"
            return try "\(signed).\(Base64URL.encode(key.algorithm.sign(Data(signed.utf8))))"
        } catch {
            throw .unreadable("this key can't sign: \(error)")
        }
    }

    private static func json(_ members: [String: any Encodable]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(members.mapValues(Member.init))
    }

    private struct Member: Encodable {
        let value: any Encodable

        init(_ value: any Encodable) { self.value = value }

        func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
    }
}
