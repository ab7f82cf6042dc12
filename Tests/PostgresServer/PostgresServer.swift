import Foundation
import Synchronization

/// A real Postgres server in a temporary folder, reached through a socket there; gone with this process, however it ends.
package final class PostgresServer: Sendable {
    /// For all tests that don't stop it.
    package static let shared = PostgresServer()

    package struct Options: Sendable {
        /// Where its data goes; nil for its own folder. Its sockets and what it says never go there.
        package var dataParent: String?
        /// The server that it follows as a standby.
        package var primary: PostgresServer?
        /// Listens at a port of 127.0.0.1, too, and takes only encrypted connections there: `tls` has the files.
        package var isEncrypted = false
        /// Whether a commit that was answered outlives a kill.
        package var commitsOutliveKills = false

        package init() {}
    }

    package let folder: String
    /// Of its socket; and at 127.0.0.1, where it listens there.
    package let port: Int
    private let dataFolder: String
    private let input: FileHandle
    private let databases = Mutex(0)

    package init(_ options: Options = Options()) {
        let process = Process()
        // Postgres refuses to run as root.
        let asPostgres = getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
        port = options.isEncrypted ? Self.freePort() : 5432
        let environment = [
            "BOOKS_PARENT": options.dataParent ?? "", "BOOKS_PRIMARY": options.primary?.folder ?? "",
            "BOOKS_TLS": options.isEncrypted ? "yes" : "", "BOOKS_PORT": "\(port)",
            "BOOKS_COMMIT": options.commitsOutliveKills ? "on" : "off",
        ]
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = asPostgres + ["sh", "-c", Self.script]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
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
        let folders = text.dropLast().split(separator: " ")
        folder = String(folders[0])
        dataFolder = String(folders[1])
    }

    deinit { try? input.close() }

    private static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
    }

    /// Starts it whenever it isn't running, until the input ends; then nothing is left.
    private static let script = """
        bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
        [ -n "$bin" ] || bin=$(dirname "$(command -v postgres)")
        dir=$(mktemp -d /tmp/holdfast-books.XXXXXX) || exit 1
        data=${BOOKS_PARENT:-$dir}/data
        if [ -n "$BOOKS_PRIMARY" ]; then
            "$bin/pg_basebackup" -h "$BOOKS_PRIMARY" -U postgres -D "$data" -R -X stream -c fast --no-sync \
                >"$dir/log" 2>&1 || exit 1
        else
            "$bin/initdb" -D "$data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || exit 1
            sed -i '1i local secret all scram-sha-256' "$data/pg_hba.conf"
        fi
        address=
        if [ -n "$BOOKS_TLS" ]; then
            address=127.0.0.1
            (
                umask 077
                cd "$dir" || exit 1
                for name in authority stranger; do
                    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$name" -keyout $name.key -out $name.crt
                done
                openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
                printf 'subjectAltName=DNS:localhost' >names
                openssl x509 -req -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 30 \
                    -extfile names -out server.crt
            ) >>"$dir/log" 2>&1
            printf "ssl = on\\nssl_cert_file = '$dir/server.crt'\\nssl_key_file = '$dir/server.key'\\n" \
                >>"$data/postgresql.conf"
            sed -i '/^host/d' "$data/pg_hba.conf"
            echo 'hostssl all all 127.0.0.1/32 trust' >>"$data/pg_hba.conf"
        fi
        ( while [ -d "$dir" ] && ! [ -e "$dir/stop" ]; do
            "$bin/postgres" -D "$data" -k "$dir" -p "$BOOKS_PORT" -c listen_addresses=$address -c fsync=off \
                -c synchronous_commit=$BOOKS_COMMIT -c max_connections=50 \
                -c shared_buffers=64MB </dev/null >>"$dir/log" 2>&1
            sleep 0.1
        done ) &
        until "$bin/psql" -h "$dir" -p "$BOOKS_PORT" -U postgres -c 'select 1' >/dev/null 2>&1; do sleep 0.1; done
        echo "$dir $data"
        cat >/dev/null
        touch "$dir/stop"
        kill -QUIT $(head -n 1 "$data/postmaster.pid") 2>/dev/null
        wait
        rm -rf "$dir" "$data"
        """

    package func url(_ database: String, _ rest: String = "user=postgres") -> String {
        "postgresql:///\(database)?host=\(folder)&port=\(port)&\(rest)"
    }

    /// Through its port, with the server's name and its certificate checked.
    /// - Parameter root: the certificate of whom to believe: `authority`, which signed the server's, or `stranger`.
    package func encryptedURL(_ database: String, host: String = "localhost", root: String = "authority") -> String {
        "postgresql://postgres@\(host):\(port)/\(database)?hostaddr=127.0.0.1&sslmode=verify-full"
            + "&sslrootcert=\(folder)/\(root).crt"
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

    /// What it has said so far.
    package var log: String { (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "" }

    /// As the machine does when it runs out of memory. It comes back by itself.
    package func killHard() {
        guard let text = try? String(contentsOfFile: "\(dataFolder)/postmaster.pid", encoding: .utf8),
            let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }), pid > 1
        else { return }
        kill(pid, SIGKILL)
    }

    /// As when its machine is gone: it doesn't come back.
    package func loseForGood() {
        _ = FileManager.default.createFile(atPath: "\(folder)/stop", contents: nil)
        killHard()
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
