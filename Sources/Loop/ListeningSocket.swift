import Glibc

/// A socket that waits for connections.
package final class ListeningSocket {
    let descriptor: Int32
    /// The port it listens on.
    package let port: Int
    /// Gets the descriptor of each new connection, on the loop that listens.
    let accepted: (Int32) -> Void

    /// Binds and listens.
    /// - Parameters:
    ///   - port: 0 lets the system choose.
    ///   - backlog: connections the system keeps waiting to be accepted.
    package init(host: String, port: Int, backlog: Int32, accepted: @escaping (Int32) -> Void) throws(ListenError) {
        let place = "\(host):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &found)
        guard result == 0, let address = found else {
            throw ListenError(place: place, reason: String(cString: gai_strerror(result)))
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            address.pointee.ai_family,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { throw ListenError(place: place, errno: errno) }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        // Connections have it from their listener.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
            Glibc.listen(descriptor, backlog) == 0
        else {
            let error = ListenError(place: place, errno: errno)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.port = Self.port(of: descriptor)
        self.accepted = accepted
    }

    deinit { close(descriptor) }

    func shutdown() { Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }

    private static func port(of descriptor: Int32) -> Int {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &size) }
            // The port has the same place in the addresses of both families.
            return $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                Int(UInt16(bigEndian: $0.pointee.sin_port))
            }
        }
    }
}

/// Why the server can't listen.
package struct ListenError: Error, CustomStringConvertible {
    package let place: String
    package let reason: String

    init(place: String, reason: String) {
        self.place = place
        self.reason = reason
    }

    init(place: String, errno: Int32) {
        let remedy =
            switch errno {
            case EADDRINUSE: ": another program listens there; stop it, or choose another --port"
            case EACCES: ": ports below 1024 need a privilege; choose another --port"
            case EADDRNOTAVAIL: ": the address is not one of this machine's; check --host"
            default: ""
            }
        self.init(place: place, reason: String(cString: strerror(errno)) + remedy)
    }

    package var description: String { "can't listen at \(place): \(reason)" }
}
