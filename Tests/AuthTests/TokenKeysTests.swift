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

    @Test func readsFilesOfEachKind() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func names(_ text: String) async throws -> [String] {
            let file = folder.appendingPathComponent("keys").path
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            return try await TokenKeys(file: file).keys.map(\.algorithm.name)
        }
        #expect(try await names("a secret of at least thirty-two bytes\n") == ["HS256"])
        #expect(try await names(SampleKeys.ellipticPublic) == ["ES256"])
        #expect(try await names(SampleKeys.rsaPublic + "\n") == ["RS256"])
        #expect(try await names(SampleKeys.set) == ["ES256", "RS256"])
        await #expect(throws: TokenKeyError.self) { try await names("short\n") }
        await #expect(throws: TokenKeyError.self) { try await names(String(repeating: "a", count: 2 << 20)) }
        await #expect(throws: TokenKeyError.self) { try await TokenKeys(file: folder.path + "/missing") }
    }
}
