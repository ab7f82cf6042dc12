import Glibc
import Testing

@testable import Bench

@Suite(.timeLimit(.minutes(1))) struct ServerProcessTests {
    private static func makeFolder() throws -> String {
        var template = Array("/tmp/holdfast-bench-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Starts `binary`, waits for an HTTP server that it will never be, and answers what went wrong.
    private func failureOfStarting(_ binary: String) throws -> any Error {
        let folder = try Self.makeFolder()
        defer {
            unlink(folder + "/data.log")
            rmdir(folder)
        }
        let process: ServerProcess
        do {
            process = try ServerProcess.start(
                binary: binary,
                dataPath: folder + "/data",
                port: 9,
                core: nil,
                clientCore: nil
            )
        } catch {
            return error
        }
        var failure: (any Error)?
        do { try process.waitUntilReady(Endpoint(address: "127.0.0.1", port: 9)) } catch { failure = error }
        _ = process.stop()
        return try #require(failure, "\(binary) is no server")
    }

    @Test func aServerThatEndsAtOnceIsNotWaitedFor() throws {
        let error = try failureOfStarting("/bin/false")
        guard case ServerProcess.Failure.endedEarly = error else { throw error }
    }

    @Test func aBinaryThatIsNotThereIsNamed() throws {
        let error = try failureOfStarting("/nonexistent/holdfast")
        #expect("\(error)".hasPrefix("cannot start /nonexistent/holdfast: posix_spawn: No such file"))
    }
}
