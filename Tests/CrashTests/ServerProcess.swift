import Foundation
import Glibc
import Synchronization

struct ServerFailure: Error, CustomStringConvertible {
    let description: String
}

/// The real program as a child process. It never outlives this value.
final class ServerProcess: Sendable {
    let processIdentifier: pid_t
    private let outputPath: String
    private let waitStatus = Mutex<Int32?>(nil)

    /// `HOLDFAST_BINARY`, or the program built beside this test.
    static let binary: String = {
        if let chosen = getenv("HOLDFAST_BINARY") { return String(cString: chosen) }
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (test as NSString).deletingLastPathComponent + "/holdfast"
    }()

    private init(arguments: [String], outputPath: String, environment: [String] = []) throws {
        self.outputPath = outputPath
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var strings = ([Self.binary] + arguments).map { strdup($0) }
        strings.append(nil)
        let inherited = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var variables = (environment + inherited).map { strdup($0) }
        variables.append(nil)
        defer { for string in strings + variables { free(string) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, Self.binary, &actions, nil, strings, variables)
        guard code == 0 else { throw ServerFailure(description: "\(Self.binary): \(String(cString: strerror(code)))") }
        processIdentifier = identifier
    }

    deinit { kill() }

    /// Runs the program to its end: `verify`, or a `serve` that should be refused.
    static func run(_ arguments: [String], in folder: DataFolder) throws -> (exitCode: Int32, output: String) {
        let path = folder.path + "/run-output"
        let process = try ServerProcess(arguments: arguments, outputPath: path)
        return (try process.exitCode(withinSeconds: 30), process.output)
    }

    /// - Parameters:
    ///   - segmentMebibytes: the size of the log's files; 2 is the smallest that the program takes.
    ///   - environment: `NAME=value`, before what this process has.
    static func launch(
        in folder: DataFolder,
        snapshotSeconds: Int,
        segmentMebibytes: Int = 64,
        environment: [String] = []
    ) throws -> ServerProcess {
        try ServerProcess(
            arguments: [
                "serve", "--data", folder.data, "--port", "0", "--shards", "2",
                "--snapshot-seconds", "\(snapshotSeconds)", "--segment-mib", "\(segmentMebibytes)",
                "--log-kept-mib", "2",
            ],
            outputPath: folder.path + "/server-output",
            environment: environment
        )
    }

    /// Serves with these options beside a free port.
    static func launch(in folder: DataFolder, _ options: [String]) throws -> ServerProcess {
        try ServerProcess(
            arguments: ["serve", "--port", "0", "--shards", "2"] + options,
            outputPath: folder.path + "/server-output"
        )
    }

    var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }

    /// The port, once the server has recovered and listens.
    func port() throws -> UInt16 {
        let mark = "listening at http://127.0.0.1:"
        for _ in 0..<15_000 {
            let text = output
            if let found = text.range(of: mark), let end = text[found.upperBound...].firstIndex(of: "\n"),
                let port = UInt16(text[found.upperBound..<end])
            {
                return port
            }
            if reap(WNOHANG) != nil { break }
            usleep(2_000)
        }
        throw ServerFailure(description: "the server does not listen; it says:\n\(output)")
    }

    func kill() {
        send(SIGKILL)
        _ = reap(0)
    }

    var hasEnded: Bool { reap(WNOHANG) != nil }

    /// Never signals a process that was already waited for: its identifier may be another's by now.
    func send(_ signal: Int32) {
        waitStatus.withLock { if $0 == nil { Glibc.kill(processIdentifier, signal) } }
    }

    /// The exit code; 128 + signal when it was killed.
    func exitCode(withinSeconds seconds: Int) throws -> Int32 {
        for _ in 0..<(seconds * 200) {
            if let status = reap(WNOHANG) { return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f }
            usleep(5_000)
        }
        throw ServerFailure(description: "still running after \(seconds) s; it says:\n\(output)")
    }

    private func reap(_ options: Int32) -> Int32? {
        waitStatus.withLock { known in
            var status: Int32 = 0
            if known == nil, waitpid(processIdentifier, &status, options) == processIdentifier { known = status }
            return known
        }
    }
}
