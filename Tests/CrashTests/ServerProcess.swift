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

    /// - Parameters:
    ///   - listening: a socket that the program gets as a service manager would pass it on.
    ///   - output: where it writes instead of a file; `output` and `port()` then have nothing to read.
    private init(
        arguments: [String],
        outputPath: String,
        environment: [String] = [],
        listening: Int32? = nil,
        output: Int32? = nil
    ) throws {
        self.outputPath = outputPath
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var program = [Self.binary] + arguments
        var environment = environment
        if let listening {
            posix_spawn_file_actions_adddup2(&actions, listening, 3)
            // Who starts a process doesn't know its number beforehand; a shell does.
            program = ["/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$0\" \"$@\""] + program
            environment.append("LISTEN_FDS=1")
        }
        var strings = program.map { strdup($0) }
        strings.append(nil)
        // What tells the tests how to run is nothing for the server, which refuses settings that it doesn't know.
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HOLDFAST_") }
        var variables = (environment + inherited.map { "\($0.key)=\($0.value)" }).map { strdup($0) }
        variables.append(nil)
        defer { for string in strings + variables { free(string) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, program[0], &actions, nil, strings, variables)
        guard code == 0 else { throw ServerFailure(description: "\(Self.binary): \(String(cString: strerror(code)))") }
        processIdentifier = identifier
    }

    deinit { kill() }

    /// Runs the program to its end: `verify`, or a `serve` that should be refused.
    static func run(
        _ arguments: [String],
        in folder: DataFolder,
        environment: [String] = []
    ) throws -> (exitCode: Int32, output: String) {
        let path = folder.path + "/run-output"
        let process = try ServerProcess(arguments: arguments, outputPath: path, environment: environment)
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

    /// Serves with these options, at a free port where they don't say otherwise.
    static func launch(
        in folder: DataFolder,
        _ options: [String],
        environment: [String] = [],
        listening: Int32? = nil,
        output: Int32? = nil
    ) throws -> ServerProcess {
        let port = options.contains("--port") ? [] : ["--port", "0"]
        return try ServerProcess(
            arguments: ["serve", "--shards", "2"] + port + options,
            outputPath: folder.path + "/server-output",
            environment: environment,
            listening: listening,
            output: output
        )
    }

    var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }

    /// The port, once the server has recovered and listens.
    func port() throws -> UInt16 {
        for _ in 0..<15_000 {
            if let found = output.firstMatch(of: /listening at http:[^"\n]*:([0-9]+)["\n]/), let port = UInt16(found.1)
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
