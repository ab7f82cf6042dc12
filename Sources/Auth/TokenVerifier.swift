import Foundation
import JWTKit

/// Verifies tokens: signed JWTs (RFC 7519) with HS256, RS256 or ES256.
///
/// The signature comes first: of a token without a good one nothing is believed but which key it names. A key serves the
/// one algorithm that it was made for; what the header says of it must agree, so `none` and a public key taken for a shared
/// secret get nowhere.
public struct TokenVerifier: Sendable {
    /// A longer one is not looked at.
    public static let tokenBytesMax = 8 * 1_024

    private let keys: [TokenKeys.Key]
    private let rules: TokenRules

    public init(keys: TokenKeys, rules: TokenRules) {
        self.keys = keys.keys
        self.rules = rules
    }

    /// - Parameters:
    ///   - token: what stands behind `Bearer`.
    ///   - now: milliseconds since 1970.
    public func verify(_ token: UnsafeRawBufferPointer, at now: Int64) throws(TokenFailure) -> Principal {
        guard token.count <= Self.tokenBytesMax else { throw .malformed }
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed }
        let key = try key(of: try Self.decode(TokenHeader.self, header))
        let signed = Data(token[parts[0].startIndex..<parts[1].endIndex])
        guard (try? key.algorithm.verify(signature, signs: signed)) == true else { throw .signature }
        return try principal(try Self.decode(TokenClaims.self, payload), key, at: now)
    }

    /// Whether the key of a principal is still one of these.
    public func has(_ key: UInt64) -> Bool { keys.contains { $0.identity == key } }

    private static func decode<T: Decodable>(_ type: T.Type, _ json: Data) throws(TokenFailure) -> T {
        do { return try JSONDecoder().decode(type, from: json) } catch { throw .malformed }
    }

    private func key(of header: TokenHeader) throws(TokenFailure) -> TokenKeys.Key {
        if header.isCritical { throw .header }
        if let type = header.type?.lowercased(), type != "jwt", type != "at+jwt" { throw .header }
        let able = keys.filter { $0.algorithm.name == header.algorithm }
        guard !able.isEmpty else { throw .algorithm }
        guard let id = header.keyID else {
            // Without a name only one key can be meant.
            guard able.count == 1 else { throw .unknownKey }
            return able[0]
        }
        // A key that has no name of its own, from a PEM file or a secret, answers to any.
        guard let key = able.first(where: { $0.id == id }) ?? able.first(where: { $0.id == nil }) else {
            throw .unknownKey
        }
        return key
    }

    private func principal(
        _ claims: TokenClaims,
        _ key: TokenKeys.Key,
        at now: Int64
    ) throws(TokenFailure) -> Principal {
        let leeway = Int64(rules.leewaySeconds) * 1_000
        guard let expiresAt = claims.expiresAt?.milliseconds else { throw .claim("exp") }
        let acceptedUntil = expiresAt + leeway
        guard now < acceptedUntil else { throw .expired }
        for begin in [claims.notBefore, claims.issuedAt] {
            guard let begin else { continue }
            guard let begin = begin.milliseconds, begin - leeway <= now else { throw .notYetValid }
        }
        if let issuer = rules.issuer, claims.issuer != issuer { throw .issuer }
        if let audience = rules.audience, !claims.audiences.contains(audience) { throw .audience }
        guard let subject = claims.subject, Self.isName(subject) else { throw .claim("sub") }
        // Without a role it has none that needs no tenant.
        let role = claims.role.flatMap(Role.init)
        guard let tenant = role == .monitor ? "" : claims.tenant, role == .monitor || Self.isName(tenant) else {
            throw .claim("tenant_id")
        }
        guard let role else { throw .claim("role") }
        return Principal(
            tenant: tenant,
            subject: subject,
            role: role,
            acceptedUntil: acceptedUntil,
            key: key.identity
        )
    }

    /// As ids are everywhere: 1 to 64 visible ASCII characters.
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

private struct TokenHeader: Decodable {
    let algorithm: String
    let type: String?
    let keyID: String?
    let isCritical: Bool

    private enum CodingKeys: String, CodingKey {
        case algorithm = "alg"
        case type = "typ"
        case keyID = "kid"
        case critical = "crit"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        algorithm = try container.decode(String.self, forKey: .algorithm)
        type = try container.decodeIfPresent(String.self, forKey: .type)
        keyID = try container.decodeIfPresent(String.self, forKey: .keyID)
        isCritical = container.contains(.critical)
    }
}

private struct TokenClaims: Decodable {
    let expiresAt: Seconds?
    let notBefore: Seconds?
    let issuedAt: Seconds?
    let issuer: String?
    let audiences: [String]
    let subject: String?
    let tenant: String?
    let role: String?

    /// A NumericDate: seconds since 1970, with or without a fraction.
    struct Seconds: Decodable {
        /// Nil beyond the year 9999.
        let milliseconds: Int64?

        init(from decoder: any Decoder) throws {
            let seconds = try decoder.singleValueContainer().decode(Double.self)
            milliseconds = (0...253_402_300_799).contains(seconds) ? Int64(seconds * 1_000) : nil
        }
    }

    private enum CodingKeys: String, CodingKey {
        case expiresAt = "exp"
        case notBefore = "nbf"
        case issuedAt = "iat"
        case issuer = "iss"
        case audience = "aud"
        case subject = "sub"
        case tenant = "tenant_id"
        case role
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        expiresAt = try container.decodeIfPresent(Seconds.self, forKey: .expiresAt)
        notBefore = try container.decodeIfPresent(Seconds.self, forKey: .notBefore)
        issuedAt = try container.decodeIfPresent(Seconds.self, forKey: .issuedAt)
        issuer = try container.decodeIfPresent(String.self, forKey: .issuer)
        if let one = try? container.decodeIfPresent(String.self, forKey: .audience) {
            audiences = [one]
        } else {
            audiences = try container.decodeIfPresent([String].self, forKey: .audience) ?? []
        }
        // Of another type a claim is as good as missing, and is named in the answer.
        subject = try? container.decode(String.self, forKey: .subject)
        tenant = try? container.decode(String.self, forKey: .tenant)
        role = try? container.decode(String.self, forKey: .role)
    }
}
