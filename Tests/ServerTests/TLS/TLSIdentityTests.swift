import Foundation
import Testing

@testable import Server

/// Which files are taken, and what is said of the others.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TLSIdentityTests {
    @Test func whatCannotBeUsedIsNamed() throws {
        let (good, other) = (try TestCertificate(), try TestCertificate())
        // Their files go with them.
        defer { withExtendedLifetime((good, other)) {} }
        // They are valid from the second on in which they were made.
        let now = Int64(Date().timeIntervalSince1970) + 1
        func refusal(_ certificate: String, _ key: String, at time: Int64? = nil) -> String {
            do throws(TLSFileError) {
                _ = try TLSCertificate(TLSFiles(certificate: certificate, key: key), now: time ?? now)
                return ""
            } catch { return "\(error)" }
        }
        #expect(refusal(good.certificate, good.key) == "")
        #expect(refusal("/nowhere", good.key) == "/nowhere can't be read: No such file or directory")
        #expect(refusal(good.folder, good.key).contains("Is a directory"))
        #expect(refusal(good.key, good.key).contains("is not a certificate in PEM"))
        #expect(refusal(good.certificate, good.certificate).contains("is not a private key in PEM"))
        #expect(refusal(good.certificate, other.key).contains("is not that of the first certificate"))
        #expect(refusal("\(good.folder)/issuer.pem", good.key).contains("is not that of the first certificate"))
        #expect(refusal(good.certificate, good.key, at: now + 31 * 86_400).contains("renew it"))
        #expect(refusal(good.certificate, good.key, at: now - 86_400).contains("is the clock right?"))
        let encrypted = ["pkey", "-in", "leaf.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key"]
        try good.openssl(encrypted)
        #expect(refusal(good.certificate, "\(good.folder)/encrypted.key").contains("is encrypted"))
        let long = "\(good.folder)/long"
        try Data(repeating: 0x41, count: TLSCertificate.fileBytesMax + 1).write(to: URL(fileURLWithPath: long))
        #expect(refusal(long, good.key).contains("larger than"))
        let text = try String(contentsOfFile: good.certificate, encoding: .utf8)
        try String(repeating: text, count: 9).write(toFile: long, atomically: true, encoding: .utf8)
        #expect(refusal(long, good.key).contains("more than 16 certificates"))
        for cut in [10, text.utf8.count / 4] {
            try Data(text.utf8.prefix(cut)).write(to: URL(fileURLWithPath: long))
            #expect(refusal(long, good.key).contains("is not a certificate in PEM"))
        }
    }

    /// Files are written one after the other; what is there before both fit stays.
    @Test func aNewCertificateTakesTheOldOnesPlace() throws {
        let (first, second) = (try TestCertificate(), try TestCertificate(curve: nil))
        let identity = try TLSIdentity(first.files)
        let before = identity.context
        #expect(try identity.reload() == false)
        #expect(try identity.reload(isForced: true))
        let again = identity.context
        #expect(again !== before)
        try Data(contentsOf: URL(fileURLWithPath: second.certificate)).write(
            to: URL(fileURLWithPath: first.certificate)
        )
        // Another one, but perhaps not yet whole; then it stands, and doesn't fit.
        #expect(try identity.reload() == false)
        #expect(throws: TLSFileError.self) { try identity.reload() }
        #expect(try identity.reload() == false)
        #expect(throws: TLSFileError.self) { try identity.reload(isForced: true) }
        #expect(identity.context === again)
        try Data(contentsOf: URL(fileURLWithPath: second.key)).write(to: URL(fileURLWithPath: first.key))
        #expect(try identity.reload() == false)
        #expect(try identity.reload())
        #expect(identity.context !== again)
        try FileManager.default.removeItem(atPath: first.key)
        #expect(try identity.reload() == false)
        #expect(throws: TLSFileError.self) { try identity.reload() }
    }

    @Test(
        arguments: [
            ([], nil, ""),
            (["--tls-certificate", "c", "--tls-key", "k"], TLSFiles(certificate: "c", key: "k"), ""),
            (
                ["--tls-certificate", "c", "--tls-key", "k", "--tls-minimum-version", "1.3"],
                TLSFiles(certificate: "c", key: "k", minimumVersion: .tls13), ""
            ),
            (["--tls-certificate", "c"], nil, "without its key"),
            (["--tls-key", "k"], nil, "without its certificate"),
            (["--tls-minimum-version", "1.2"], nil, "there is no certificate"),
            (
                ["--tls-certificate", "c", "--tls-key", "k", "--tls-minimum-version", "1.1"], nil,
                "it must be one of: 1.2, 1.3"
            ),
        ] as [([String], TLSFiles?, String)]
    )
    func optionsGoTogether(_ given: ([String], TLSFiles?, String)) async throws {
        let options = try SettingsOptions.parse(["--data", "data"] + given.0)
        do {
            let settings = try await Settings(options, cores: 2, variables: [:])
            #expect(settings.tls == given.1 && given.2.isEmpty)
        } catch {
            #expect(!given.2.isEmpty && "\(error)".contains(given.2), "\(error)")
        }
    }
}
