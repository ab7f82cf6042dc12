import Foundation
import Testing

@testable import Auth

@Suite struct TokenKeysTests {
    @Test func wantsASecretThatIsLongEnough() {
        #expect(throws: TokenKeyError.secretTooShort(bytes: 31)) {
            try TokenKeys(secret: Array(repeating: 7, count: 31))
        }
    }

    @Test(arguments: [
        "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----",
        SampleKeys.weakRSAPublic,
    ])
    func refusesWhatIsNoKey(_ pem: String) async {
        await #expect(throws: TokenKeyError.self) { try await TokenKeys(pem: pem) }
    }

    @Test(arguments: [
        "{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"EC\"}]}", "{\"keys\":",
        "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\",\"d\":\"AAAA\"}]}",
    ])
    func refusesWhatIsNoKeySet(_ json: String) async {
        await #expect(throws: TokenKeyError.self) { try await TokenKeys(jwks: json) }
    }

    private static let elliptic = """
        "x":"-ubTO1b_bnO3LwayXTATlVr2qquliBnxdxlPAzZkYIc","y":"Dvr-O8emKYZDSv2ep4xGnZGYklvzKMt_RLzXJcUCeHE"
        """

    /// What issuers publish beside the keys that sign.
    static let otherKeys = [
        #"{"kty":"RSA","alg":"RSA-OAEP-256","use":"enc","kid":"o1","n":"AQAB","e":"AQAB"}"#,
        #"{"kty":"oct","k":"c2VjcmV0"}"#, #"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
        #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#, #"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
        #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#, #"{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB"}"#,
        #"{"kty":"EC","crv":"P-256","kid":7,\#(elliptic)}"#, #"{"kty":"EC","crv":"P-256","use":"enc",\#(elliptic)}"#,
        #"{"kty":"EC","crv":"P-256","key_ops":["deriveKey"],\#(elliptic)}"#,
        #"{"kty":"EC","crv":"P-256","alg":"ES384",\#(elliptic)}"#, #"{"kty":"RSA","alg":"ES256",\#(elliptic)}"#,
        #"{"kty":"EC","crv":"P-256","kid":"good",\#(elliptic)}"#, "7", "null", "[]", "{}",
    ]

    @Test(arguments: otherKeys)
    func passesOverOtherKeysOfASet(_ other: String) async throws {
        let good = #"{"kty":"EC","crv":"P-256","kid":"good","use":"sig","key_ops":["verify"],\#(Self.elliptic)}"#
        let keys = try await TokenKeys(jwks: #"{"keys":[\#(good),\#(other)]}"#)
        #expect(keys.keys.map(\.id) == ["good"] && keys.keys[0].algorithm.name == "ES256")
        #expect(keys.othersPassedOver?.hasPrefix("passed over: 1 ") == true)
        guard other != Self.otherKeys[12] else { return }
        await #expect(throws: TokenKeyError.self) { try await TokenKeys(jwks: #"{"keys":[\#(other)]}"#) }
    }

    @Test func aKeyIsTheSameWhereverItIsRead() async throws {
        let one = try await TokenKeys(jwks: SampleKeys.set).keys
        let again = try await TokenKeys(jwks: SampleKeys.set).keys
        #expect(one.map(\.identity) == again.map(\.identity) && one[0].identity != one[1].identity)
        let renamed = SampleKeys.set.replacingOccurrences(of: "e1", with: "e2")
        #expect(try await TokenKeys(jwks: renamed).keys[0].identity != one[0].identity)
    }

    @Test func findsTheKeyOfASetByItsName() async throws {
        let keys = try await TokenKeys(jwks: SampleKeys.set)
        #expect(keys.keys.map(\.id) == ["e1", "r1"])
        let verifier = TokenVerifier(keys: keys, rules: TokenRules())
        let mint = try TokenMint(keys: try await TokenKeys(pem: SampleKeys.ellipticPrivate))
        func verify(_ header: [String: any Encodable]) throws -> Principal {
            let claims: [String: any Encodable] = ["sub": "a", "tenant_id": "t", "role": "scanner", "exp": 2_000]
            let token = Array(try mint.sign(header, claims).utf8)
            return try token.withUnsafeBytes { try verifier.verify($0, at: 1_000_000) }
        }
        #expect(try verify(["alg": "ES256", "kid": "e1"]).role == .scanner)
        #expect(try verify(["alg": "ES256"]).role == .scanner)
        #expect(throws: TokenFailure.unknownKey) { try verify(["alg": "ES256", "kid": "e2"]) }
        // The name of the RSA key doesn't make an elliptic signature an RSA one, nor the other way round.
        #expect(throws: TokenFailure.unknownKey) { try verify(["alg": "ES256", "kid": "r1"]) }
        #expect(throws: TokenFailure.signature) { try verify(["alg": "RS256", "kid": "r1"]) }
    }

    /// What a file with these bytes is taken for.
    private func names(_ bytes: some Collection<UInt8>) async throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return try await TokenKeys(file: file).keys.map(\.algorithm.name)
    }

    private func names(_ text: String) async throws -> [String] { try await names(text.utf8) }

    @Test func readsFilesOfEachKind() async throws {
        #expect(try await names("a secret of at least thirty-two bytes\n") == ["HS256"])
        #expect(try await names(SampleKeys.ellipticPublic) == ["ES256"])
        #expect(try await names(SampleKeys.rsaPublic + "\n") == ["RS256"])
        #expect(try await names(SampleKeys.set) == ["ES256", "RS256"])
        await #expect(throws: TokenKeyError.self) { try await names("short\n") }
        await #expect(throws: TokenKeyError.self) { try await names(String(repeating: "a", count: 2 << 20)) }
        await #expect(throws: TokenKeyError.self) { try await TokenKeys(file: "/missing/keys") }
    }

    /// Whoever has the public key could sign with a server that takes it for a secret.
    @Test func readsPEMBetweenOtherLines() async throws {
        for before in ["# production public key\n", "Bag Attributes\n    friendlyName: a\n", "\n \n", "  "] {
            #expect(try await names(before + SampleKeys.ellipticPublic) == ["ES256"])
            #expect(try await names(before + SampleKeys.rsaPublic + "\n# the end") == ["RS256"])
        }
        let lines = SampleKeys.ellipticPublic.replacingOccurrences(of: "\n", with: "\r\n")
        #expect(try await names("# DOS\r\n" + lines) == ["ES256"])
        let curve = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        #expect(try await names(curve + SampleKeys.ellipticPrivate) == ["ES256"])
        await #expect(throws: TokenKeyError.self) {
            try await names(SampleKeys.ellipticPublic + "\n" + SampleKeys.rsaPublic)
        }
    }

    static let noSecrets: [(name: String, bytes: [UInt8])] = {
        let block = SampleKeys.ellipticPublic.split(separator: "\n").dropFirst().dropLast().joined()
        let der = [UInt8](Data(base64Encoded: block)!)
        let rsa = SampleKeys.rsaPublic.split(separator: "\n").dropFirst().dropLast().joined()
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let secret = "a secret of at least thirty-two bytes"
        let set = SampleKeys.set
        return [
            ("PEM behind a byte order mark", mark + SampleKeys.ellipticPublic.utf8), ("DER", der),
            ("a set behind a byte order mark", mark + set.utf8), ("a secret behind one", mark + secret.utf8),
            ("UTF-16", secret.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }),
            ("PEM in one line", Array(SampleKeys.rsaPublic.replacingOccurrences(of: "\n", with: "\\n").utf8)),
            ("PEM behind a word", Array("key=\(SampleKeys.rsaPublic)".replacingOccurrences(of: "\n", with: " ").utf8)),
            ("PEM without its lines", Array(block.utf8)), ("the same of RSA", Array(rsa.utf8)),
            ("base64 of PEM", Array(Data(SampleKeys.rsaPublic.utf8).base64EncodedString().utf8)),
            ("base64 of a set", Array(Data(set.utf8).base64EncodedString().utf8)),
            ("an array of keys", Array("[\(set)]".utf8)), ("two secrets", Array("\(secret)\n\(secret)\n".utf8)),
            ("a control byte", Array("\(secret)\u{7}".utf8)), ("other letters", Array("\(secret)é".utf8)),
            ("OpenSSH", Array("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= ada@host".utf8)),
        ]
    }()

    @Test(arguments: noSecrets.indices)
    func takesNothingElseForASecret(_ index: Int) async throws {
        let (name, bytes) = Self.noSecrets[index]
        #expect(bytes.count >= TokenKeys.secretBytesMin, "\(name)")
        do {
            let found = try await names(bytes)
            Issue.record("\(name) is taken for \(found)")
        } catch TokenKeyError.unreadable(let reason) {
            #expect(reason.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !reason.contains("thirty"), "\(reason)")
        }
    }

    @Test func takesRandomSecretsInBase64() async throws {
        for count in 24..<64 {
            let secret = Data((0..<count).map { _ in UInt8.random(in: 1...0x2F) }).base64EncodedString()
            #expect(try await names(secret + "\n") == ["HS256"])
        }
    }

    @Test func saysWhatKindItIsAndNothingOfIt() async throws {
        #expect(try TokenKeys(secret: Array(repeating: 7, count: 32)).summary == "a shared secret (HS256)")
        #expect(try await TokenKeys(pem: SampleKeys.rsaPublic).summary == "a key in PEM (RS256)")
        let set = try await TokenKeys(jwks: SampleKeys.set)
        #expect(set.summary == "a JSON Web Key Set (1 for ES256, 1 for RS256)")
        #expect(set.othersPassedOver == "passed over: 1 not for RS256 or ES256")
    }
}
