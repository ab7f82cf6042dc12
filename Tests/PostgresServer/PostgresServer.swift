import Foundation
import Synchronization

/// A real Postgres server in a temporary folder, reached through a socket there; gone with this process, however it ends.
package final class PostgresServer: Sendable {
    /// For all tests that don't stop it.
    package static let shared = PostgresServer()

    package let folder: String
    private let input: FileHandle
    private let databases = Mutex(0)

    package init() {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        // Postgres refuses to run as root.
        let asPostgres = getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
        let command = asPostgres + ["sh", "-c", Self.script]
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(filePath: "/")
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try! process.run()
        self.input = input.fileHandleForWriting
        var text = ""
        while !text.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            precondition(!data.isEmpty, "Postgres didn't start: apt-get install postgresql")
            text += String(decoding: data, as: UTF8.self)
        }
        folder = String(text.dropLast())
    }

    deinit { try? input.close() }

    /// Starts it whenever it isn't running, until the input ends; then nothing is left.
    private static let script = """
        bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
        [ -n "$bin" ] || bin=$(dirname "$(command -v postgres)")
        dir=$(mktemp -d /tmp/holdfast-books.XXXXXX) || exit 1
        "$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || exit 1
        sed -i '1i local secret all scram-sha-256' "$dir/data/pg_hba.conf"
        ( while [ -d "$dir" ] && ! [ -e "$dir/stop" ]; do
            "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c full_page_writes=off \
                -c synchronous_commit=off -c max_connections=50 -c shared_buffers=64MB </dev/null >>"$dir/log" 2>&1
            sleep 0.1
        done ) &
        until "$bin/psql" -h "$dir" -U postgres -c 'select 1' >/dev/null 2>&1; do sleep 0.1; done
        echo "$dir"
        cat >/dev/null
        touch "$dir/stop"
        kill -QUIT $(head -n 1 "$dir/data/postmaster.pid") 2>/dev/null
        wait
        rm -rf "$dir"
        """

    package func url(_ database: String, _ rest: String = "user=postgres") -> String {
        "postgresql:///\(database)?host=\(folder)&\(rest)"
    }

    /// Runs a statement through psql, and gives what it prints: values with `|` between them.
    @discardableResult
    package func query(_ sql: String, in database: String = "postgres") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, url(database)]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(statement: sql) }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    package struct Failure: Error { let statement: String }

    /// A new, empty database.
    package func makeDatabase() throws -> String {
        let name = databases.withLock { number in
            number += 1
            return "books_\(number)"
        }
        try query("CREATE DATABASE \(name)")
        return name
    }

    /// As the machine does when it runs out of memory. It comes back by itself.
    package func killHard() {
        guard let text = try? String(contentsOfFile: "\(folder)/data/postmaster.pid", encoding: .utf8),
            let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }), pid > 1
        else { return }
        kill(pid, SIGKILL)
    }

    /// Returns when it takes connections.
    package func waitUntilUp() throws {
        for _ in 0..<300 {
            if (try? query("SELECT 1")) != nil { return }
            usleep(50_000)
        }
        throw Failure(statement: "it didn't come back")
    }
}
