import Auth
import Foundation
import Glibc
import Logging
import Synchronization
import Testing

@testable import Server

/// The file of keys, read again.
@Suite struct TokenKeyRingTests {
    private static func secret(_ name: String) -> String { "\(name): a secret of more than thirty-two bytes" }

    private func withRing(_ body: (TokenKeyRing, _ file: String) async throws -> Void) async throws {
        let file = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Self.secret("first").write(toFile: file, atomically: true, encoding: .utf8)
        try await body(try await TokenKeyRing(file: file, rules: TokenRules()), file)
    }

    /// Whether a token made with the secret is accepted now.
    private func accepts(_ ring: TokenKeyRing, _ name: String) throws -> Bool {
        let mint = try TokenMint(keys: try TokenKeys(secret: Array(Self.secret(name).utf8)))
        let token = try mint.token(tenant: "t", subject: "s", role: .agent, now: 1_000, seconds: 100)
        return Array(token.utf8).withUnsafeBytes { (try? ring.verifier.verify($0, at: 1_000_000)) != nil }
    }

    /// A file that can't be read for a moment, for want of rights or of descriptors, is read when it can be.
    @Test func aFileThatCouldNotBeReadIsTriedAgain() async throws {
        try await withRing { ring, file in
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
            #expect(try await ring.reload() == false)
            for _ in 0..<3 { await #expect(throws: TokenKeyError.self) { try await ring.reload() } }
            #expect(try accepts(ring, "first"))
            try FileManager.default.removeItem(atPath: file)
            #expect(try await !ring.reload())
            await #expect(throws: TokenKeyError.self) { try await ring.reload() }
            try Self.secret("second").write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await !ring.reload())
            #expect(try await ring.reload())
            #expect(try accepts(ring, "second") && !accepts(ring, "first"))
            #expect(try await !ring.reload())
        }
    }

    @Test func whoMayReadItIsPartOfTheFile() throws {
        let file = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Self.secret("first").write(toFile: file, atomically: true, encoding: .utf8)
        let before = try #require(FileVersion(file))
        #expect(FileVersion(file) == before)
        // The clock of files goes in steps.
        usleep(20_000)
        chmod(file, 0o600)
        #expect(FileVersion(file) != before)
    }

    @Test func keysAreReadAtOnceWhenSomebodyAsks() async throws {
        try await withRing { ring, file in
            try Self.secret("second").write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await ring.reload(isForced: true))
            #expect(try accepts(ring, "second"))
            #expect(try await !ring.reload())
        }
    }

    @Test func theLogHearsOfTheSameProblemOnce() async throws {
        try await withRing { ring, file in
            let lines = LogLines()
            let watch = TokenKeyWatch(ring: ring, hangups: Hangups(), logger: Logger(label: "keys") { _ in lines })
            try "short".write(toFile: file, atomically: true, encoding: .utf8)
            var problem: TokenKeyError?
            for _ in 0..<4 { await watch.look(isForced: false, &problem) }
            #expect(lines.of(.error).count == 1)
            await watch.look(isForced: true, &problem)
            #expect(lines.of(.error).count == 2)
            try Self.secret("second").write(toFile: file, atomically: true, encoding: .utf8)
            for _ in 0..<2 { await watch.look(isForced: false, &problem) }
            #expect(lines.of(.notice) == ["the keys of tokens were read again"])
            #expect(lines.of(.info) == ["tokens are verified with a shared secret (HS256)"])
            #expect(lines.all.allSatisfy { !$0.contains("second") && !$0.contains("thirty") })
        }
    }
}

/// Keeps the lines of a log.
private final class LogLines: LogHandler, Sendable {
    private let lines = Mutex<[(Logger.Level, String)]>([])

    var all: [String] { lines.withLock { $0.map(\.1) } }
    func of(_ level: Logger.Level) -> [String] { lines.withLock { $0.filter { $0.0 == level }.map(\.1) } }

    func log(event: LogEvent) { lines.withLock { $0.append((event.level, "\(event.message)")) } }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
}
