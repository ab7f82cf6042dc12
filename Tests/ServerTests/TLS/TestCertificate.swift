import Foundation

@testable import Server

/// A certificate of localhost, made by openssl in a folder that goes with it: by an authority of its own and an issuer in
/// between, as certificates are.
final class TestCertificate: Sendable {
    let folder: String

    /// - Parameter curve: nil for an RSA key.
    init(curve: String? = "P-256") throws {
        folder = SaleServer.makeFolder()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let authority = "basicConstraints=critical,CA:TRUE"
        try make("root", authority, by: nil, "P-256")
        try make("issuer", authority, by: "root", "P-256")
        try make("leaf", "subjectAltName=DNS:localhost,IP:127.0.0.1", by: "issuer", curve)
        let chain = try ["leaf", "issuer"].map { try String(contentsOfFile: "\(folder)/\($0).pem", encoding: .utf8) }
        try chain.joined().write(toFile: certificate, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// What clients trust.
    var root: String { "\(folder)/root.pem" }
    /// The server's certificate and its issuer's behind it.
    var certificate: String { "\(folder)/chain.pem" }
    var key: String { "\(folder)/leaf.key" }
    var files: TLSFiles { TLSFiles(certificate: certificate, key: key) }

    /// Takes the place of another one's files, one after the other.
    func replace(_ other: TestCertificate) throws {
        for (mine, others) in [(certificate, other.certificate), (key, other.key)] {
            try Data(contentsOf: URL(fileURLWithPath: mine)).write(to: URL(fileURLWithPath: others), options: .atomic)
        }
    }

    private func make(_ name: String, _ fields: String, by issuer: String?, _ curve: String?) throws {
        let key =
            curve.map { ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\($0)"] }
            ?? ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        try openssl(["genpkey"] + key + ["-out", "\(name).key"])
        let request = ["req", "-new", "-key", "\(name).key", "-subj", "/CN=\(name)", "-out", "\(name).csr"]
        try openssl(request)
        try fields.write(toFile: "\(folder)/\(name).cnf", atomically: true, encoding: .utf8)
        let signer = issuer.map { ["-CA", "\($0).pem", "-CAkey", "\($0).key", "-CAcreateserial"] }
        try openssl(
            ["x509", "-req", "-in", "\(name).csr", "-days", "30", "-extfile", "\(name).cnf", "-out", "\(name).pem"]
                + (signer ?? ["-signkey", "\(name).key"])
        )
    }

    func openssl(_ arguments: [String]) throws {
        let output = try Tool.run("openssl", arguments, in: folder)
        guard output.status == 0 else { throw TestFailure("openssl \(arguments): \(output.text)") }
    }
}

/// A program of the system, run to its end.
enum Tool {
    /// - Parameter input: what it reads; after it, it waits for no more.
    static func run(
        _ name: String,
        _ arguments: [String],
        in folder: String? = nil,
        input: String = ""
    ) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "20", name] + arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let (into, out) = (Pipe(), Pipe())
        process.standardInput = into
        process.standardOutput = out
        process.standardError = out
        try process.run()
        try into.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try into.fileHandleForWriting.close()
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
