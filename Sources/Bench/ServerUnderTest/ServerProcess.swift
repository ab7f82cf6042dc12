import Glibc

/// A server that the bench started and will stop.
///
///     start → (ready) → stop: SIGTERM, and SIGKILL after `stopSecondsMax`
///
/// Its output goes to a file beside its data, whose last lines are shown when it does not come up.
struct ServerProcess: ~Copyable {
    static let readySecondsMax = 30
    static let stopSecondsMax = 30

    enum Failure: Error, CustomStringConvertible {
        case cannotStart(String, SystemCallError)
        case endedEarly(logPath: String)
        case notReady(seconds: Int, logPath: String)

        var description: String {
            switch self {
            case .cannotStart(let path, let error): "cannot start \(path): \(error)"
            case .endedEarly(let path): "the server ended before it was ready; its output is in \(path)"
            case .notReady(let seconds, let path):
                "the server did not answer GET /ready with 200 within \(seconds) s; its output is in \(path)"
            }
        }
    }

    let processIdentifier: Int32
    private let logPath: String

    /// Starts `binary serve --data … --port …`, bound to a core if one is given. The calling thread takes on that
    /// binding for the moment of starting, so that the server has it from its first instruction.
    static func start(
        binary: String,
        dataPath: String,
        port: UInt16,
        extraArguments: [String] = [],
        core: Int?,
        clientCore: Int?
    ) throws -> ServerProcess {
        let logPath = dataPath + ".log"
        if let core { try ProcessorCore.bindCallingThread(to: core) }
        let arguments = [binary, "serve", "--data", dataPath, "--port", String(port)] + extraArguments
        let identifier: Int32
        do throws(SystemCallError) {
            identifier = try spawn(arguments, logPath: logPath)
        } catch {
            throw Failure.cannotStart(binary, error)
        }
        if let clientCore { try ProcessorCore.bindCallingThread(to: clientCore) }
        return ServerProcess(processIdentifier: identifier, logPath: logPath)
    }

    private static func spawn(_ arguments: [String], logPath: String) throws(SystemCallError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        return try SpawnedProcess.spawn(arguments, actions)
    }

    /// Waits until `GET /ready` answers 200: recovery is over and the log is writable.
    borrowing func waitUntilReady(_ endpoint: Endpoint) throws {
        for _ in 0..<(Self.readySecondsMax * 20) {
            if hasEnded() { throw Failure.endedEarly(logPath: logPath) }
            if let client = try? SetupClient(endpoint: endpoint), (try? client.get("/ready"))?.status == 200 { return }
            usleep(50_000)
        }
        throw Failure.notReady(seconds: Self.readySecondsMax, logPath: logPath)
    }

    /// Asks it to end, waits, and insists if it does not. True when it ended by itself with status 0.
    consuming func stop() -> Bool {
        kill(processIdentifier, SIGTERM)
        var status: Int32 = 0
        for _ in 0..<(Self.stopSecondsMax * 20) {
            if waitpid(processIdentifier, &status, WNOHANG) != 0 { return status == 0 }
            usleep(50_000)
        }
        kill(processIdentifier, SIGKILL)
        waitpid(processIdentifier, &status, 0)
        return false
    }

    private borrowing func hasEnded() -> Bool {
        // Looks without collecting the process: its number stays taken until `stop()`.
        var information = siginfo_t()
        let outcome = waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOHANG | WNOWAIT)
        return outcome != 0 || information.si_signo != 0
    }
}
