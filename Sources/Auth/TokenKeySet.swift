import Foundation
import JWTKit

/// A JSON Web Key Set (RFC 7517, 5). Each key is read by itself: issuers publish keys for other purposes, and of kinds that
/// nobody knew yet, beside those that sign.
struct TokenKeySet: Decodable {
    /// Why a key isn't used; nothing of what it is.
    enum PassedOver: String, CaseIterable {
        case otherPurpose = "not for signatures"
        case otherAlgorithm = "not for RS256 or ES256"
        case unreadable = "not readable, or too weak"
        case sameName = "named as another one"
    }

    let keys: [Element]

    struct Element: Decodable {
        private(set) var isReadable = false
        private(set) var isPrivate = false
        private(set) var id: String?
        private var type: String?
        private var curve: String?
        private var use: String?
        private var operations: [String]?
        private var algorithm: String?
        /// n and e, or x and y.
        private var numbers: (String?, String?) = (nil, nil)

        private enum CodingKeys: String, CodingKey {
            case type = "kty"
            case curve = "crv"
            case operations = "key_ops"
            case algorithm = "alg"
            case id = "kid"
            case privateExponent = "d"
            case use, n, e, x, y
        }

        init(from decoder: any Decoder) {
            guard let members = try? decoder.container(keyedBy: CodingKeys.self) else { return }
            isPrivate = members.contains(.privateExponent)
            do {
                id = try members.decodeIfPresent(String.self, forKey: .id)
                type = try members.decodeIfPresent(String.self, forKey: .type)
                curve = try members.decodeIfPresent(String.self, forKey: .curve)
                use = try members.decodeIfPresent(String.self, forKey: .use)
                operations = try members.decodeIfPresent([String].self, forKey: .operations)
                algorithm = try members.decodeIfPresent(String.self, forKey: .algorithm)
                let isElliptic = type == "EC"
                numbers.0 = try members.decodeIfPresent(String.self, forKey: isElliptic ? .x : .n)
                numbers.1 = try members.decodeIfPresent(String.self, forKey: isElliptic ? .y : .e)
                isReadable = true
            } catch {
                // Said by `isReadable`.
            }
        }

        /// The key in jwt-kit's words, where it is one that tokens are verified with here.
        func jwk() -> Result<JWK, PassedOver> {
            guard isReadable else { return .failure(.unreadable) }
            guard use == nil || use == "sig", operations?.contains("verify") ?? true else {
                return .failure(.otherPurpose)
            }
            // jwt-kit wants a name, and asks for it again.
            let name = JWKIdentifier(string: id ?? "none")
            switch (type, algorithm) {
            case ("RSA", "RS256"), ("RSA", nil):
                return .success(.rsa(.rs256, identifier: name, modulus: numbers.0, exponent: numbers.1))
            case ("EC", "ES256") where curve == "P-256", ("EC", nil) where curve == "P-256":
                return .success(.ecdsa(.es256, identifier: name, x: numbers.0, y: numbers.1, curve: .p256))
            default: return .failure(.otherAlgorithm)
            }
        }

        /// What tells the key from others.
        var material: String { "\(numbers.0 ?? "").\(numbers.1 ?? "")" }
    }
}

extension TokenKeySet.PassedOver: Error {}

extension TokenKeySet {
    /// Those of the keys that tokens are verified with, and how many are not, by why.
    func usable() async throws(TokenKeyError) -> (keys: [TokenKeys.Key], passedOver: [PassedOver: Int]) {
        // A private key has no place in a set that is handed around.
        guard !keys.contains(where: \.isPrivate) else { throw .unreadable("it has a private key in it") }
        var usable: [TokenKeys.Key] = []
        var passedOver: [PassedOver: Int] = [:]
        for element in keys {
            let jwk: JWK
            switch element.jwk() {
            case .success(let found): jwk = found
            case .failure(let reason):
                passedOver[reason, default: 0] += 1
                continue
            }
            guard
                let key = try? await TokenKeys.key(
                    id: element.id,
                    material: element.material,
                    { try await $0.add(jwk: jwk) }
                )
            else {
                passedOver[.unreadable, default: 0] += 1
                continue
            }
            if usable.contains(where: { $0.id == key.id && $0.algorithm.name == key.algorithm.name }) {
                passedOver[.sameName, default: 0] += 1
            } else {
                usable.append(key)
            }
        }
        return (usable, passedOver)
    }
}
