import ArgumentParser
import CLinux
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server that a run loads: one that is there, or one for the bench to start and stop. Shared by all commands.
struct TargetOptions: ParsableArguments {
    @Option(help: "Server to load, such as http://127.0.0.1:8080.")
    var target: String?

    @Flag(help: "Allow a target that is not this machine. Load only what is yours.")
    var allowRemote = false

    @Option(help: "Process of the --target, to report its CPU time and memory. Known when the bench starts the server.")
    var serverPid: Int32?

    @Option(help: "Server to start instead: runs with 'serve --data DIR --port PORT'.")
    var serverBinary: String?

    @Option(help: "Core to bind the started server to.")
    var serverCpu: Int?

    @Option(help: "Core to bind the client to.")
    var clientCpu: Int?

    @Option(help: "Port of the started server.")
    var port: UInt16 = 18_080

    @Option(
        name: .customLong("server-argument"),
        parsing: .unconditionalSingleValue,
        help: "One more argument for the started server; repeat it for several."
    )
    var serverArguments: [String] = []

    @Option(help: "Data folder of the started server. Without it a new one, removed at the end.")
    var data: String?

    func validate() throws {
        guard (target == nil) != (serverBinary == nil) else {
            throw ValidationError("Give either --target, such as http://127.0.0.1:8080, or --server-binary.")
        }
    }

    /// Prepares this process (its core, its sleeps, its answer to an interrupt), and runs `body` with the server.
    func withServer<Outcome>(_ body: (ServerUnderTest) throws -> Outcome) throws -> Outcome {
        try prepareProcess()
        if let target {
            let endpoint = try Endpoint(url: target, allowRemote: allowRemote)
            return try body(ServerUnderTest(endpoint: endpoint, processIdentifier: serverPid))
        }
        return try withFolder { try withOwnServer(dataPath: $0 + "/data", body) }
    }

    func prepareProcess() throws {
        StopSignal.install()
        clinux_set_timer_slack(1)
        if let clientCpu { try ProcessorCore.bindCallingThread(to: clientCpu) }
    }

    /// Runs `body` with the folder that was asked for, or with a new one, and removes that.
    func withFolder<Outcome>(_ body: (String) throws -> Outcome) throws -> Outcome {
        let folder = try data ?? TemporaryFolder.make()
        defer { if data == nil { TemporaryFolder.remove(folder) } }
        return try body(folder)
    }

    /// Runs `body` with a server of the bench's own, and stops that.
    /// - Parameter arguments: besides those that were asked for.
    /// - Precondition: `serverBinary` is given.
    func withOwnServer<Outcome>(
        dataPath: String,
        port: UInt16? = nil,
        arguments: [String] = [],
        _ body: (ServerUnderTest) throws -> Outcome
    ) throws -> Outcome {
        // The server inherits the limit: it may have as many connections as the client.
        OpenFileLimit.raise(to: LoadSettings.connectionsMax + OpenFileLimit.reserve)
        let endpoint = try Endpoint(address: "127.0.0.1", port: port ?? self.port)
        let process = try ServerProcess.start(
            binary: serverBinary!,
            dataPath: dataPath,
            port: endpoint.port,
            extraArguments: serverArguments + arguments,
            core: serverCpu,
            clientCore: clientCpu
        )
        let outcome = Result {
            try process.waitUntilReady(endpoint)
            return try body(ServerUnderTest(endpoint: endpoint, processIdentifier: process.processIdentifier))
        }
        if !process.stop() { ProgressLine.say("holdfast-bench: the server did not end with status 0") }
        return try outcome.get()
    }
}

/// A server that is ready.
struct ServerUnderTest {
    let endpoint: Endpoint
    /// Nil when the server is somebody else's and its process was not given.
    let processIdentifier: Int32?

    /// Exact, and slow for a large server: not during a measurement.
    var residentBytes: UInt64? { processIdentifier.flatMap(ProcessMemory.residentBytes) }

    /// - Throws: when this process, or the server as far as it is known, may not have so many connections open.
    func checkRoom(forConnections connections: Int) throws {
        try OpenFileLimit.raise(forConnections: connections)
        if let allowed = processIdentifier.flatMap(OpenFileLimit.current), allowed < connections + OpenFileLimit.reserve
        {
            throw OpenFileLimit.Failure.tooLow(wanted: connections + OpenFileLimit.reserve, allowed: allowed)
        }
    }
}

/// A new folder under `/tmp`.
enum TemporaryFolder {
    static func make() throws -> String {
        var template = Array("/tmp/holdfast-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Eight hexadecimal digits that tell this run's ids and keys from those of any other.
enum RunPrefix {
    static func make() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
