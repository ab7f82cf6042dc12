import Glibc

/// A real Postgres server in a folder of its own, reached through a socket there: durable, as a database is run. It ends
/// with this process, however that ends, and leaves nothing behind.
final class PostgresProcess {
    enum Failure: Error, CustomStringConvertible {
        case cannotStart
        case cannotAsk(String, output: String)

        var description: String {
            switch self {
            case .cannotStart: "Postgres didn't start. It needs Debian's postgresql, 15 or newer, and a user postgres"
            case .cannotAsk(let statement, let output): "\(statement): \(output)"
            }
        }
    }

    let folder: String
    private let processIdentifier: Int32
    /// Until it is closed, the server runs.
    private let input: Int32

    /// - Parameters:
    ///   - parent: the folder in which it makes its own, on the disk to be measured.
    ///   - core: to bind it to.
    ///   - ownCore: of the calling thread, which takes on the other for the moment of starting.
    init(in parent: String, core: Int?, ownCore: Int?) throws {
        let (toChild, fromChild) = (try Self.pipe(), try Self.pipe())
        if let core { try ProcessorCore.bindCallingThread(to: core) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.read, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.write, 1)
        // Postgres refuses to run as root.
        let asPostgres = getuid() == 0 ? ["/usr/bin/env", "runuser", "-u", "postgres", "--"] : ["/usr/bin/env"]
        processIdentifier = try SpawnedProcess.spawn(asPostgres + ["sh", "-c", Self.script, "sh", parent], actions)
        if let ownCore { try ProcessorCore.bindCallingThread(to: ownCore) }
        close(toChild.read)
        close(fromChild.write)
        input = toChild.write
        defer { close(fromChild.read) }
        guard let line = Self.readLine(fromChild.read) else {
            close(input)
            SpawnedProcess.wait(processIdentifier)
            throw Failure.cannotStart
        }
        folder = line
    }

    deinit {
        close(input)
        SpawnedProcess.wait(processIdentifier)
    }

    /// Of the database that the server has from its beginning.
    var url: String { "postgresql:///postgres?host=\(folder)&user=postgres" }

    /// Runs a statement and gives the one number that it asks for.
    func number(_ statement: String) throws -> Double {
        let output = try SpawnedProcess.run([
            "/usr/bin/env", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, url,
        ])
        guard output.status == 0, let number = Double(output.text.filter { !$0.isWhitespace }) else {
            throw Failure.cannotAsk(statement, output: output.text)
        }
        return number
    }

    /// What differs from a server as Debian starts it: no network, room for some minutes of writing between two
    /// checkpoints, and the last place in the queue for its core, which on a machine of two it has to share. Where the
    /// kernel gives every session a share of its own (autogroup), that has to be said of each of its processes.
    private static let script = """
        bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
        [ -n "$bin" ] || bin=$(dirname "$(command -v postgres)")
        umask 077
        dir=$(mktemp -d "$1/holdfast-bench-postgres-XXXXXX") && cd "$dir" || exit 1
        trap 'cd /; rm -rf "$dir"' EXIT
        "$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C >"$dir/log" 2>&1 || exit 1
        nice -n 19 "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c shared_buffers=256MB \
            -c max_wal_size=4GB </dev/null >>"$dir/log" 2>&1 &
        server=$!
        until "$bin/psql" -h "$dir" -U postgres -c 'select 1' >/dev/null 2>&1; do
            kill -0 $server 2>/dev/null || exit 1
            sleep 0.05
        done
        ( while kill -0 $server 2>/dev/null; do
            for task in $(cat "/proc/$server/task/$server/children"); do
                grep -qs 'nice 0$' "/proc/$task/autogroup" && echo 19 >"/proc/$task/autogroup" && sleep 0.1
            done
            sleep 0.2
        done ) 2>/dev/null &
        echo "$dir"
        cat >/dev/null
        kill -INT $server
        wait
        """

    /// Both ends are closed in every process that this one starts.
    private static func pipe() throws(SystemCallError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw SystemCallError("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Nil when the other end is closed before a whole line has come.
    private static func readLine(_ descriptor: Int32) -> String? {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
        return nil
    }
}
