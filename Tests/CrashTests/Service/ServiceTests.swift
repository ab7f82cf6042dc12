import Foundation
import Glibc
import Testing

/// The real program as a service: stopped and started under load, with and without a manager's socket.
@Suite(.serialized) struct ServiceTests {
    private func openSale(_ port: UInt16) throws {
        let connection = try Connection(port: port)
        for (path, body) in [
            ("/api/v1/events", #"{"id":"gala","name":"Gala","currency":"EUR"}"#),
            ("/api/v1/events/gala/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":10000000}"#),
            ("/api/v1/events/gala/pricing", #"{"name":"Standard","base_price":50}"#),
            ("/api/v1/events/gala/publish", "{}"),
        ] {
            let answer = try connection.post(path, body, key: path)
            try #require(answer.status < 300, "\(path): \(answer)")
        }
    }

    /// A socket that listens at a free port of the loopback interface.
    private func listeningSocket() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 1_024) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isListening)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    @Test(arguments: [false, true])
    func aStopUnderLoadAnswersEveryRequestAndTheNextOneTakesOver(closesEach: Bool) throws {
        let folder = try DataFolder()
        var server = try ServerProcess.launch(in: folder, ["--data", folder.data])
        let port = try server.port()
        try openSale(port)
        let load = PoliteLoad(port: port, buyers: 16, closesEach: closesEach)
        for _ in 0..<3 {
            usleep(300_000)
            server.send(SIGTERM)
            #expect(try server.exitCode(withinSeconds: 20) == 0, "\(server.output)")
            server = try ServerProcess.launch(in: folder, ["--data", folder.data, "--port", "\(port)"])
            #expect(try server.port() == port)
        }
        usleep(300_000)
        let outcome = load.finish()
        #expect(outcome.complaints.isEmpty, "\(outcome.complaints.count): \(outcome.complaints.prefix(3))")
        #expect(outcome.answers > 100)
    }

    /// The manager's socket outlives the server: connections wait there, so that nobody is refused either.
    @Test(arguments: [false, true])
    func withTheManagersSocketNobodyIsEvenRefused(closesEach: Bool) throws {
        let folder = try DataFolder()
        let (socket, port) = try listeningSocket()
        defer { close(socket) }
        var server = try ServerProcess.launch(in: folder, ["--data", folder.data], listening: socket)
        try #require(try server.port() == port)
        try openSale(port)
        let load = PoliteLoad(port: port, buyers: 8, closesEach: closesEach)
        for _ in 0..<2 {
            usleep(300_000)
            server.send(SIGTERM)
            #expect(try server.exitCode(withinSeconds: 20) == 0, "\(server.output)")
            server = try ServerProcess.launch(in: folder, ["--data", folder.data], listening: socket)
            #expect(try server.port() == port)
        }
        usleep(300_000)
        let outcome = load.finish()
        #expect(outcome.complaints.isEmpty, "\(outcome.complaints.count): \(outcome.complaints.prefix(3))")
        #expect(outcome.answers > 100)
    }

    @Test func theManagerHearsOfStartStopAndHealth() throws {
        let folder = try DataFolder()
        let path = folder.path + "/notify"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        func next() -> String {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
        }

        let environment = ["NOTIFY_SOCKET=\(path)", "WATCHDOG_USEC=600000"]
        let server = try ServerProcess.launch(in: folder, ["--data", folder.data], environment: environment)
        #expect(next().hasPrefix("READY=1\n"))
        #expect(next() == "WATCHDOG=1")
        #expect(next() == "WATCHDOG=1")
        server.send(SIGTERM)
        var message = next()
        while message == "WATCHDOG=1" { message = next() }
        #expect(message.hasPrefix("STOPPING=1\n"))
        #expect(try server.exitCode(withinSeconds: 20) == 0)
    }

    @Test func aManagersSocketThatIsOpenToTheWorldWantsKeys() throws {
        let folder = try DataFolder()
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        try #require(listen(descriptor, 1) == 0)
        let server = try ServerProcess.launch(in: folder, ["--data", folder.data], listening: descriptor)
        #expect(try server.exitCode(withinSeconds: 20) == 78, "\(server.output)")
        #expect(server.output.contains("wants --token-keys"), "\(server.output)")
    }
}
