import Foundation

@testable import Auth
@testable import Server

/// A token: as it is, and with a header and claims that are signed properly, so that what stands behind the signature is
/// reached as well; the header field that it comes in; and a file of keys. Nothing may trap; of what nobody signed nothing is
/// accepted, of the rest only what the rules allow, and what could be a key of another form is no secret.
///
///     0 bytes: the token · 1 byte: where the claims begin, header and claims · 2 bytes: the field's value · 3 bytes: the file
enum TokenTarget {
    private static let now: Int64 = 1_800_000_000_000
    private static let rules = TokenRules(issuer: "shop", audience: "holdfast", leewaySeconds: 60)
    private static let keys = try! TokenKeys(secret: Array("a secret of more than thirty-two bytes".utf8))

    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        guard let mode = input.first else { return }
        let verifier = TokenVerifier(keys: keys, rules: rules)
        let bytes = UnsafeRawBufferPointer(rebasing: input[1...])
        if mode % 4 == 2 {
            try checkField(bytes)
        } else if mode % 4 == 3 {
            try checkFile(Array(bytes))
        } else if mode % 2 == 0 {
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
        let isOfNoTenant = principal.role == .monitor
        guard !isOfNoTenant || principal.tenant.isEmpty else { throw Finding("a monitor of a tenant: \(principal)") }
        let names = isOfNoTenant ? [principal.subject] : [principal.tenant, principal.subject]
        guard
            names.allSatisfy({ (1...64).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } })
        else { throw Finding("a name that is none: \(names)") }
        guard principal.acceptedUntil > now else { throw Finding("accepted, and expired: \(principal)") }
        guard let issued = try? JSONDecoder().decode(Issued.self, from: claims), issued.iss == "shop" else {
            throw Finding("accepted without its issuer")
        }
    }

    private struct Issued: Decodable { let iss: String }

    private static func checkField(_ field: UnsafeRawBufferPointer) throws(Finding) {
        guard let token = TokenCache.token(in: field) else { return }
        guard let first = token.first, let last = token.last else { return }
        let text = String(decoding: field, as: UTF8.self)
        guard text.lowercased().hasPrefix("bearer ") else { throw Finding("a token without its scheme") }
        let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        guard !blanks.contains(first), !blanks.contains(last) else { throw Finding("a token with blanks around it") }
        guard field.reversed().drop(while: blanks.contains).starts(with: token.reversed()) else {
            throw Finding("a token that isn't the field's end")
        }
    }

    private static func checkFile(_ bytes: [UInt8]) throws(Finding) {
        switch try? TokenKeyFile(bytes) {
        case .secret(let secret):
            let text = String(decoding: secret, as: UTF8.self)
            guard secret.allSatisfy({ (0x20...0x7E).contains($0) }), bytes.starts(with: secret) else {
                throw Finding("a secret that isn't one line")
            }
            guard !text.contains("-----BEGIN"), !text.hasPrefix("{") else {
                throw Finding("a key that became a secret")
            }
        case .pem(let text): _ = try? TokenKeyFile.key(inPEM: text)
        case .set(let text):
            guard let set = try? JSONDecoder().decode(TokenKeySet.self, from: Data(text.utf8)) else { return }
            for element in set.keys { _ = element.jwk() }
        case nil: return
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
    private static let pem = "# a key\n-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
    private static let set =
        #"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":"sig","key_ops":["verify"],"x":"A","y":"A"}]}"#
    private static let header = #"{"alg":"HS256","typ":"JWT"}"#
    private static let token = sign(Data(header.utf8), Data(claims.utf8))

    private static func isSeed(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.elementsEqual(token.utf8) }

    static var seeds: [[UInt8]] {
        let signed = [UInt8(1), UInt8(header.utf8.count)] + Array((header + claims).utf8)
        let unsigned = #"{"alg":"none"}"#
        return [
            [0] + Array(token.utf8), signed, [1, UInt8(unsigned.utf8.count)] + Array((unsigned + claims).utf8),
            [2] + Array("Bearer \(token)".utf8), [2] + Array("bEaReR  a.b.c \t ".utf8), [2] + Array("Basic YTpi".utf8),
            [3] + Array("a secret of more than thirty-two bytes\n".utf8), [3] + Array(pem.utf8), [3] + Array(set.utf8),
            [0] + Array("e30.e30.e30".utf8), [1, 2] + Array("{}{}".utf8),
        ]
    }
}
