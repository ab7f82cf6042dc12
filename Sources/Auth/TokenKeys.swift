import Crypto
import Foundation
import JWTKit

/// The keys that tokens are verified with: one shared secret (HS256), public keys in PEM (RS256, ES256), or a JWKS file.
public struct TokenKeys: Sendable {
    /// A key serves one algorithm only, so that a public key can never pass for a shared secret.
    struct Key: Sendable {
        let id: String?
        let algorithm: any JWTAlgorithm
        /// The same for the same key, name and algorithm, however often it is read; says nothing of the key.
        let identity: UInt64

        init(id: String?, algorithm: any JWTAlgorithm, material: some DataProtocol) {
            self.id = id
            self.algorithm = algorithm
            var hash = SHA256()
            for part in [algorithm.name, id ?? ""] { hash.update(data: Data("\(part.utf8.count) \(part)".utf8)) }
            hash.update(data: material)
            identity = hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private enum Kind { case secret, pem, set }

    /// The least for HS256 (RFC 7518, 3.2).
    public static let secretBytesMin = 32
    public static let fileBytesMax = 1 << 20
    public static let keysMax = 100

    let keys: [Key]
    private let kind: Kind
    private var passedOver: [TokenKeySet.PassedOver: Int] = [:]

    /// - Parameter secret: shared by who makes tokens and this server; `secretBytesMin` bytes or more.
    public init(secret: [UInt8]) throws(TokenKeyError) {
        guard secret.count >= Self.secretBytesMin else { throw .secretTooShort(bytes: secret.count) }
        keys = [Key(id: nil, algorithm: SharedSecret(key: SymmetricKey(data: secret)), material: secret)]
        kind = .secret
    }

    /// - Parameter pem: one RSA key of 2,048 bits or more, or one key on the curve P-256; public, or private as well where
    ///   tokens are made too. What stands around it is passed over.
    public init(pem: String) async throws(TokenKeyError) {
        let pem = try TokenKeyFile.key(inPEM: pem)
        keys = [try await Self.key(id: nil, material: pem) { try await Self.add(pem: pem, to: $0) }]
        kind = .pem
    }

    /// - Parameter jwks: the JSON of a JWK set of up to `keysMax` keys. Those that aren't for signatures with RS256 or ES256
    ///   are passed over; one has to be left.
    public init(jwks: String) async throws(TokenKeyError) {
        let set: TokenKeySet
        do { set = try JSONDecoder().decode(TokenKeySet.self, from: Data(jwks.utf8)) } catch {
            throw .unreadable("it is not a JSON Web Key Set")
        }
        guard set.keys.count <= Self.keysMax else { throw .unreadable("it has more than \(Self.keysMax) keys") }
        let found = try await set.usable()
        keys = found.keys
        passedOver = found.passedOver
        kind = .set
        guard !keys.isEmpty else {
            throw .unreadable("it has no key for RS256 or ES256\(othersPassedOver.map { ": \($0)" } ?? "")")
        }
    }

    /// Reads keys from a file: PEM if a line of it begins with `-----BEGIN`, a JWK set if it begins with `{`, else a secret:
    /// one line of visible ASCII, whose end doesn't belong to it. What could be a key of another form is no secret.
    public init(file: String) async throws(TokenKeyError) {
        switch try TokenKeyFile(try Self.contents(of: file)) {
        case .set(let text): try await self.init(jwks: text)
        case .pem(let text): try await self.init(pem: text)
        case .secret(let bytes): try self.init(secret: bytes)
        }
    }

    // MARK: - For the log

    /// The kind and number of the keys, and nothing of what they are.
    public var summary: String {
        switch kind {
        case .secret: return "a shared secret (HS256)"
        case .pem: return "a key in PEM (\(keys[0].algorithm.name))"
        case .set:
            let counts = ["ES256", "RS256"].compactMap { name in
                let count = keys.count { $0.algorithm.name == name }
                return count == 0 ? nil : "\(count) for \(name)"
            }
            return "a JSON Web Key Set (\(counts.joined(separator: ", ")))"
        }
    }

    /// How many keys of a set are not used, and why; nil where all are.
    public var othersPassedOver: String? {
        guard !passedOver.isEmpty else { return nil }
        let reasons = TokenKeySet.PassedOver.allCases.compactMap { reason in
            passedOver[reason].map { "\($0) \(reason.rawValue)" }
        }
        return "passed over: \(reasons.joined(separator: ", "))"
    }

    // MARK: - Reading

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

    static func key(
        id: String?,
        material: String,
        _ add: (JWTKeyCollection) async throws -> Void
    ) async throws(TokenKeyError) -> Key {
        let collection = JWTKeyCollection()
        do {
            try await add(collection)
            return Key(id: id, algorithm: try await collection.getKey(), material: Data(material.utf8))
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
