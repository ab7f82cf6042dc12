import Foundation

@testable import Auth

/// A token: as it is, and with a header and claims that are signed properly, so that what stands behind the signature is
/// reached as well. Nothing may trap; of what nobody signed nothing is accepted, and of the rest only what the rules allow.
///
///     0 bytes: the token · 1 byte: where the claims begin, header and claims
enum TokenTarget {
    private static let now: Int64 = 1_800_000_000_000
    private static let rules = TokenRules(issuer: "shop", audience: "holdfast", leewaySeconds: 60)
    private static let keys = try! TokenKeys(secret: Array("a secret of more than thirty-two bytes".utf8))

    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        guard let mode = input.first else { return }
        let verifier = TokenVerifier(keys: keys, rules: rules)
        let bytes = UnsafeRawBufferPointer(rebasing: input[1...])
        if mode % 2 == 0 {
            if let principal = try? verifier.verify(bytes, at: now), !isSeed(bytes) {
                throw Finding("a token that nobody signed is accepted: \(principal)")
            }
        } else if let split = bytes.first {
            let text = UnsafeRawBufferPointer(rebasing: bytes[1...])
            let place = min(Int(split), text.count)
            try check(verifier, header: Data(text[..<place]), claims: Data(text[place...]))
        }
    }

    private static func check(_ verifier: TokenVerifier, header: Data, claims: Data) throws(Finding) {
        let token = Array(sign(header, claims).utf8)
        guard let principal = try? token.withUnsafeBytes({ try verifier.verify($0, at: now) }) else { return }
        let names = [principal.tenant, principal.subject]
        guard
            names.allSatisfy({ (1...64).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } })
        else { throw Finding("a name that is none: \(names)") }
        guard principal.acceptedUntil > now else { throw Finding("accepted, and expired: \(principal)") }
        guard claims.range(of: Data("shop".utf8)) != nil || claims.contains(UInt8(ascii: "\\")) else {
            throw Finding("accepted without its issuer")
        }
    }

    private static func sign(_ header: Data, _ claims: Data) -> String {
        let signed = "\(Base64URL.encode(header)).\(Base64URL.encode(claims))"
        let signature = try! keys.keys[0].algorithm.sign(Data(signed.utf8))
        return "\(signed).\(Base64URL.encode(signature))"
    }

    private static let claims = """
        {"sub":"ada","tenant_id":"hall","role":"agent","exp":1900000000,"iat":1,"iss":"shop","aud":["holdfast"]}
        """
    private static let header = #"{"alg":"HS256","typ":"JWT"}"#
    private static let token = sign(Data(header.utf8), Data(claims.utf8))

    private static func isSeed(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.elementsEqual(token.utf8) }

    static var seeds: [[UInt8]] {
        let signed = [UInt8(1), UInt8(header.utf8.count)] + Array((header + claims).utf8)
        let unsigned = #"{"alg":"none"}"#
        return [
            [0] + Array(token.utf8), signed, [1, UInt8(unsigned.utf8.count)] + Array((unsigned + claims).utf8),
            [0] + Array("e30.e30.e30".utf8), [1, 2] + Array("{}{}".utf8),
        ]
    }
}
