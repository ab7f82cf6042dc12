import Foundation
import Testing

@testable import Server

/// The program itself, with a certificate.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TLSProgramTests {
    private let certificate: TestCertificate
    private var log: String { "\(certificate.folder)/log" }

    init() throws { certificate = try TestCertificate() }

    /// `HOLDFAST_BINARY`, or the program built beside this test.
    private static var program: String {
        if let chosen = ProcessInfo.processInfo.environment["HOLDFAST_BINARY"] { return chosen }
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (test as NSString).deletingLastPathComponent + "/holdfast"
    }

    private func launch(_ options: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = ["serve", "--data", "\(certificate.folder)/data", "--port", "0"] + options
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        return process
    }

    /// Waits until the log says so.
    private func wait(for text: String) async throws -> String {
        for _ in 0..<1_000 {
            let found = try String(contentsOfFile: log, encoding: .utf8)
            if found.contains(text) { return found }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestFailure("\"\(text)\" is not in \(try String(contentsOfFile: log, encoding: .utf8))")
    }

    private func files(of key: TestCertificate) -> [String] {
        ["--tls-certificate", certificate.certificate, "--tls-key", key.key]
    }

    @Test func aWrongKeyIsRefusedAtAStart() throws {
        let other = try TestCertificate()
        let process = try launch(files(of: other))
        // Its files go with it.
        withExtendedLifetime(other) { process.waitUntilExit() }
        #expect(process.terminationStatus == ConfigurationError.exitCode)
        #expect(try String(contentsOfFile: log, encoding: .utf8).contains("is not that of the first certificate"))
    }

    /// By itself, and when it is asked to; with files that can't be used it goes on as it was.
    @Test func aRunningServerReadsItsCertificateAgain() async throws {
        let process = try launch(files(of: certificate))
        defer { process.terminate() }
        let line = try await wait(for: "listening at https://127.0.0.1:")
        let port = try #require(Int(line.components(separatedBy: "127.0.0.1:")[1].prefix { $0.isNumber }))
        func answers(_ trusted: TestCertificate) throws -> Bool {
            let url = "https://localhost:\(port)/health"
            return try Tool.run("curl", ["-sS", "--cacert", trusted.root, url]).text == #"{"status":"alive"}"#
        }
        #expect(try answers(certificate))
        let (root, other) = (try TestCertificate(), try TestCertificate())
        try other.replace(certificate)
        kill(process.processIdentifier, SIGHUP)
        _ = try await wait(for: "the certificate was read again")
        #expect(try answers(other) && !answers(certificate) && !answers(root))
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: certificate.key))
        _ = try await wait(for: "the one from before stays")
        #expect(try answers(other))
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
