import Crypto
import Foundation
import JWTKit

/// The keys that tokens are verified with: one shared secret (HS256), public keys in PEM (RS256, ES256), or a JWKS file.
public struct TokenKeys: Sendable {
    /// A key serves one algorithm only, so that a public key can never pass for a shared secret.
    struct Key: Sendable {
        let id: String?
        let algorithm: any JWTAlgorithm
    }

    /// The least for HS256 (RFC 7518, 3.2).
    public static let secretBytesMin = 32
    public static let fileBytesMax = 1 << 20
    public static let keysMax = 100

    let keys: [Key]

    /// - Parameter secret: shared by who makes tokens and this server; `secretBytesMin` bytes or more.
    public init(secret: [UInt8]) throws(TokenKeyError) {
        guard secret.count >= Self.secretBytesMin else { throw .secretTooShort(bytes: secret.count) }
        keys = [Key(id: nil, algorithm: SharedSecret(key: SymmetricKey(data: secret)))]
    }

    /// - Parameter pem: one RSA key of 2,048 bits or more, or one key on the curve P-256; public, or private as well where
    ///   tokens are made too.
    public init(pem: String) async throws(TokenKeyError) {
        keys = [try await Self.key(id: nil) { try await Self.add(pem: pem, to: $0) }]
    }

    /// - Parameter jwks: the JSON of a JWK set; keys that are for something else than RS256 or ES256 are passed over.
    public init(jwks: String) async throws(TokenKeyError) {
        let set: JWKS
        do { set = try JSONDecoder().decode(JWKS.self, from: Data(jwks.utf8)) } catch {
            throw .unreadable("it is not a JSON Web Key Set: \(error)")
        }
        guard set.keys.count <= Self.keysMax else { throw .unreadable("it has more than \(Self.keysMax) keys") }
        var keys: [Key] = []
        for var jwk in set.keys {
            if jwk.algorithm == nil { jwk.algorithm = jwk.keyType == .rsa ? .rs256 : .es256 }
            guard jwk.algorithm == .rs256 || jwk.algorithm == .es256 else { continue }
            // A private key has no place in a set that is handed around.
            guard jwk.privateExponent == nil else { throw .unreadable("it has a private key in it") }
            let id = jwk.keyIdentifier?.string
            guard !keys.contains(where: { $0.id == id }) else {
                throw .unreadable(id.map { "it has two keys with the kid \($0)" } ?? "it has two keys without a kid")
            }
            jwk.keyIdentifier = jwk.keyIdentifier ?? "none"
            let named = jwk
            keys.append(try await Self.key(id: id) { try await $0.add(jwk: named) })
        }
        guard !keys.isEmpty else { throw .unreadable("it has no key for RS256 or ES256") }
        self.keys = keys
    }

    /// Reads keys from a file: a JWK set if it begins with `{`, PEM if it begins with `-----BEGIN`, else a secret, whose
    /// end of line doesn't belong to it.
    public init(file: String) async throws(TokenKeyError) {
        let bytes = try Self.contents(of: file)
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if text.hasPrefix("{") {
            try await self.init(jwks: text)
        } else if text.hasPrefix("-----BEGIN") {
            try await self.init(pem: text)
        } else {
            let end = bytes.lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") } ?? -1
            try self.init(secret: Array(bytes[..<(end + 1)]))
        }
    }

    private static func contents(of file: String) throws(TokenKeyError) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            defer { try? handle.close() }
            let bytes = [UInt8](try handle.read(upToCount: fileBytesMax + 1) ?? Data())
            guard bytes.count <= fileBytesMax else {
                throw TokenKeyError.unreadable("it is larger than \(fileBytesMax) bytes")
            }
            return bytes
        } catch let error as TokenKeyError {
            throw error
        } catch {
            throw .unreadable("\(error.localizedDescription)")
        }
    }

    private static func key(
        id: String?,
        _ add: (JWTKeyCollection) async throws -> Void
    ) async throws(TokenKeyError) -> Key {
        let collection = JWTKeyCollection()
        do {
            try await add(collection)
            return Key(id: id, algorithm: try await collection.getKey())
        } catch let error as TokenKeyError {
            throw error
        } catch {
            throw .unreadable("\(error)")
        }
    }

    private static func add(pem: String, to collection: JWTKeyCollection) async throws {
        // Each reader refuses what is another's, so the first one that takes it is right.
        if let key = try? ES256PrivateKey(pem: pem) {
            await collection.add(ecdsa: key)
        } else if let key = try? ES256PublicKey(pem: pem) {
            await collection.add(ecdsa: key)
        } else if let key = try? Insecure.RSA.PrivateKey(pem: pem) {
            await collection.add(rsa: key, digestAlgorithm: .sha256)
        } else if let key = try? Insecure.RSA.PublicKey(pem: pem) {
            await collection.add(rsa: key, digestAlgorithm: .sha256)
        } else {
            throw TokenKeyError.unreadable("it is neither a key on P-256 nor an RSA key of 2048 bits or more")
        }
    }
}

/// HS256.
private struct SharedSecret: JWTAlgorithm {
    let key: SymmetricKey

    var name: String { "HS256" }

    func sign(_ plaintext: some DataProtocol) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: plaintext, using: key))
    }

    /// Takes the same time wherever the two differ.
    func verify(_ signature: some DataProtocol, signs plaintext: some DataProtocol) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(Data(signature), authenticating: plaintext, using: key)
    }
}

/// Why there are no keys.
public enum TokenKeyError: Error, Equatable, CustomStringConvertible {
    case secretTooShort(bytes: Int)
    case unreadable(String)

    public var description: String {
        switch self {
        case .secretTooShort(let bytes):
            "the secret has \(bytes) bytes; HS256 needs \(TokenKeys.secretBytesMin) or more"
        case .unreadable(let reason): reason
        }
    }
}
